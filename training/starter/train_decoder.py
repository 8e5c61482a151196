"""Sharpens the decoder of a finished checkpoint; its latents, and so its UNet, stay as they are. Resumes runs/decoder.pt.

    python -m starter.train_decoder --steps 4000
    python -m starter.train_decoder --apply

The encoder is kept, so this can be done, and done again, long after the UNet was trained. The last command writes the
averaged decoder into the checkpoint.
"""

import argparse
import math

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from starter.checkpoint import load, metadata, tensors
from starter.ema import Ema
from starter.nets.vae import VAE
from starter.paths import CHECKPOINT, RUNS
from starter.train_vae import psnr, reconstruction_loss

BATCH = 4
PEAK_RATE = 3e-4
LATENT_NOISE = 0.05
"""Standard deviation of what is added to latents: what a sampler makes is never exactly what an encoder makes."""
FILE = RUNS / "decoder.pt"


def rate(progress: float) -> float:
    """Learning rate: short linear warm-up, then a cosine to zero."""
    return PEAK_RATE * min(1.0, progress / 0.02) * 0.5 * (1 + math.cos(math.pi * progress))


def batch_of(pictures: np.ndarray, random: np.random.Generator) -> Tensor:
    """Whole pictures [batch, 3, 128, 128] in -1..1, since the norms and the attention look at all of a picture."""
    chosen = pictures[np.sort(random.integers(len(pictures), size=BATCH))]
    return torch.from_numpy(chosen).permute(0, 3, 1, 2).float() / 127.5 - 1


def decoder_parameters(model: VAE) -> list[torch.nn.Parameter]:
    return [*model.decoder.parameters(), *model.post_quant_conv.parameters()]


def train(steps: int) -> None:
    pictures = np.load(RUNS / "bank.npy", mmap_mode="r")
    probe = pictures[:: len(pictures) // 32][:32]
    model = load(CHECKPOINT).vae
    torch.set_grad_enabled(True)
    ema = Ema(model, 0.998)
    optimizer = torch.optim.AdamW(decoder_parameters(model), PEAK_RATE, betas=(0.9, 0.99), fused=True)
    step, losses = 0, []
    if FILE.exists():
        saved = torch.load(FILE, weights_only=True)
        model.load_state_dict(saved["model"])
        ema.load_state_dict(saved["ema"])
        optimizer.load_state_dict(saved["optimizer"])
        step = saved["step"]
    else:
        print(f"before: {psnr(ema.model, probe):.2f} dB", flush=True)
    while step < steps:
        random = np.random.default_rng([3, step])
        pixels = batch_of(pictures, random)
        noise = torch.from_numpy(random.standard_normal((BATCH, 4, 16, 16), dtype=np.float32))
        optimizer.param_groups[0]["lr"] = rate(step / steps)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                latents = model.encode(pixels).float()
            out = model.decode(latents + LATENT_NOISE * latents.std() * noise)
        loss = reconstruction_loss(out.float(), pixels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(decoder_parameters(model), 1.0)
        optimizer.step()
        ema.update(model)
        step += 1
        losses.append(loss.item())
        if step % 100 == 0 or step == steps:
            print(f"step {step} loss {np.mean(losses):.4f}", flush=True)
            losses.clear()
        if step % 250 == 0 or step == steps:
            state = {"model": model.state_dict(), "ema": ema.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save(state | {"step": step}, FILE.with_suffix(".tmp"))
            FILE.with_suffix(".tmp").rename(FILE)
            print(f"saved; {psnr(ema.model, probe):.2f} dB", flush=True)


def apply() -> None:
    networks = load(CHECKPOINT)
    networks.vae.load_state_dict(torch.load(FILE, weights_only=True)["ema"]["model"])
    partial = CHECKPOINT.with_suffix(".partial")
    save_file(tensors(networks), partial, metadata(CHECKPOINT))
    partial.chmod(0o644)
    partial.rename(CHECKPOINT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--apply", action="store_true", help="write the trained decoder into the checkpoint")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.apply:
        apply()
    else:
        train(args.steps)


if __name__ == "__main__":
    main()
