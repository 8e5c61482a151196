"""Trains the autoencoder on crops of the bank, small crops first. Resumes runs/vae.pt.

    python -m starter.train_vae --minutes 26
"""

import argparse
import math
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from starter.ema import Ema
from starter.nets.vae import VAE
from starter.parallel import average_gradients, launch
from starter.paths import RUNS

PHASES = ((0.40, 32, 8), (0.88, 64, 4), (1.00, 128, 1))
"""(share of the time at which it ends, crop side in pixels, batch size per process)."""
PEAK_RATE = 1e-3


def crops(pictures: np.ndarray, side: int, batch: int, random: np.random.Generator) -> Tensor:
    """Random crops [batch, 3, side, side] in -1..1, flipped at random."""
    found = []
    for index in random.integers(len(pictures), size=batch):
        y, x = random.integers(0, pictures.shape[1] - side + 1, size=2)
        crop = pictures[index, y : y + side, x : x + side]
        found.append(crop[:, ::-1] if random.random() < 0.5 else crop)
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).float() / 127.5 - 1


def reconstruction_loss(out: Tensor, pixels: Tensor) -> Tensor:
    """L1 + MSE + L1 of the horizontal and vertical differences, which keeps edges crisp."""
    error = out - pixels
    edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
    return error.abs().mean() + error.square().mean() + edges


def psnr(model: VAE, pictures: np.ndarray) -> float:
    """Mean peak signal-to-noise ratio over whole pictures, in decibels."""
    pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        out = model.decode(model.encode(pixels)).clamp(-1, 1)
    mse = ((out - pixels) / 2).square().mean(dim=(1, 2, 3))
    return float((-10 * mse.log10()).mean())


def rate(progress: float) -> float:
    """Learning rate: short linear warm-up, then a cosine to a twentieth."""
    warm = min(1.0, progress / 0.02)
    return PEAK_RATE * warm * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress)))


def train(rank: int, budget: float) -> None:
    torch.manual_seed(2)
    pictures = np.load(RUNS / "bank.npy", mmap_mode="r")
    probe = pictures[:: len(pictures) // 32][:32]
    model = VAE()
    ema = Ema(model, 0.995)
    optimizer = torch.optim.AdamW(model.parameters(), PEAK_RATE, betas=(0.9, 0.99), weight_decay=1e-4, fused=True)
    spent, step, file = 0.0, 0, RUNS / "vae.pt"
    if file.exists():
        saved = torch.load(file, weights_only=True)
        model.load_state_dict(saved["model"])
        ema.load_state_dict(saved["ema"])
        optimizer.load_state_dict(saved["optimizer"])
        spent, step = saved["spent"], saved["step"]
    generator = torch.Generator().manual_seed(20_000_000 * (rank + 1) + step)
    parameters = list(model.parameters())
    random = np.random.default_rng([2, rank, step])
    saved_at, losses = spent, []
    began = time.monotonic() - spent
    while spent < budget:
        _, side, batch = next(phase for phase in PHASES if spent / budget < phase[0])
        optimizer.param_groups[0]["lr"] = rate(spent / budget)
        pixels = crops(pictures, side, batch, random)
        with torch.autocast("cpu", torch.bfloat16):
            mean = model.encode(pixels)
            out = model.decode(mean + 0.1 * torch.randn(mean.shape, generator=generator))
        loss = reconstruction_loss(out.float(), pixels) + 1e-3 * mean.float().square().mean()
        optimizer.zero_grad()
        loss.backward()
        spent = average_gradients(parameters, time.monotonic() - began)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        ema.update(model)
        step += 1
        losses.append(loss.item())
        if step % 100 == 0 and rank == 0:
            print(f"step {step} minute {spent / 60:.1f} side {side} loss {np.mean(losses):.4f}", flush=True)
            losses.clear()
        if rank == 0 and (spent - saved_at > 180 or spent >= budget):
            saved_at = spent
            state = {"model": model.state_dict(), "ema": ema.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save(state | {"spent": spent, "step": step}, file.with_suffix(".tmp"))
            file.with_suffix(".tmp").rename(file)
            print(f"saved; {psnr(ema.model, probe):.2f} dB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=26)
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    launch(train, args.processes, args.minutes * 60)


if __name__ == "__main__":
    main()
