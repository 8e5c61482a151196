"""Trains the UNet and the text encoder together on cached latents. Resumes runs/unet.pt.

    python -m starter.train_unet --minutes 75
"""

import argparse
import json
import math
import time
from collections import Counter

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from starter.cache_latents import STRIDE
from starter.catalogue import Subject, subjects
from starter.diffusion import STEPS, noise_weight, noised
from starter.ema import Ema
from starter.nets.text import TextModel
from starter.nets.unet import UNet
from starter.parallel import average_gradients, launch
from starter.paths import RUNS
from starter.vocabulary import UNKNOWN, Captioner, seen_ids

BATCH = 12
"""Per process."""
UNET_RATE, TEXT_RATE = 8e-4, 2e-4
WARMUP_STEPS = 100
NATURAL, WHITE = 0.75, 0.72
"""Shares of natural colours and of white backgrounds."""
STRESSED = {"apple": 6.0, "airplane": 2.0, "strawberry": 2.0, "watermelon": 2.0, "flower": 2.0, "rocket": 2.0, "rose": 2.0}
"""Names that came out worst so far, drawn this many times as often in the stage that ends the training."""


class Model(nn.Module):
    """The two networks that learn together."""

    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.text = TextModel(tokens)
        self.unet = UNet()
        with torch.no_grad():
            self.text.embeddings.token_embedding.weight[UNKNOWN] = 0
        self.text.embeddings.token_embedding.padding_idx = UNKNOWN

    def forward(self, x: Tensor, timesteps: Tensor, ids: Tensor) -> Tensor:
        return self.unet(x, timesteps, self.text(ids))


def draw_weights(rows: list[dict], catalogue: dict[str, Subject], stress: dict[str, float]) -> np.ndarray:
    """Chance of each bank picture: labels alike but for `stress`, natural colours and white backgrounds most often."""
    shared = Counter(subject.label for subject in catalogue.values())
    kinds = []
    for row in rows:
        subject = catalogue[row["subject"]]
        kinds.append((subject, row["colour"] == subject.colour, row["background"] == "white"))
    sizes = Counter(kinds)
    weights = []
    for kind in kinds:
        subject, natural, white = kind
        colour = (NATURAL if natural else 1 - NATURAL) if subject.recolours else 1
        share = stress.get(subject.label, 1) / shared[subject.label] / sizes[kind]
        weights.append(colour * (WHITE if white else 1 - WHITE) * share)
    return np.array(weights) / sum(weights)


def rate(progress: float, step: int) -> float:
    """Factor on the learning rates: linear warm-up, flat, cosine to a fiftieth over the last quarter."""
    warm = min(1.0, (step + 1) / WARMUP_STEPS)
    tail = max(0.0, (progress - 0.76) / 0.24)
    return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, tail))))


def train(rank: int, budget: float, stress: dict[str, float]) -> None:
    torch.manual_seed(3)
    catalogue = {subject.code: subject for subject in subjects()}
    bank = torch.load(RUNS / "latents.pt", weights_only=True)["latents"]
    described = json.loads((RUNS / "bank.json").read_text())[::STRIDE]
    known = [i for i, row in enumerate(described) if row["subject"] in catalogue]
    latents, rows = bank[known], [described[i] for i in known]
    weights = draw_weights(rows, catalogue, stress)
    file = RUNS / "unet.pt"
    saved = torch.load(file, weights_only=True) if file.exists() else None
    ids = saved["ids"] if saved else seen_ids()
    captioner = Captioner(ids)
    model = Model(len(ids) + 1)
    taught = RUNS / "text.pt"
    if taught.exists() and not saved:
        model.text.load_state_dict(torch.load(taught, weights_only=True)["text"])
    ema = Ema(model, 0.995)
    optimizer = torch.optim.AdamW(
        [
            {"params": model.unet.parameters(), "peak": UNET_RATE},
            {"params": model.text.parameters(), "peak": TEXT_RATE},
        ],
        betas=(0.9, 0.99),
        weight_decay=1e-3,
        fused=True,
    )
    spent, step = 0.0, 0
    if saved:
        model.load_state_dict(saved["model"])
        ema.load_state_dict(saved["ema"])
        optimizer.load_state_dict(saved["optimizer"])
        spent, step = saved["spent"], saved["step"]
    batch = BATCH * dist.get_world_size()
    parameters = list(model.parameters())
    random = np.random.default_rng([3, rank, step])
    generator = torch.Generator().manual_seed(30_000_000 * (rank + 1) + step)
    saved_at = logged_at = spent
    losses: list[float] = []
    began = time.monotonic() - spent
    while spent < budget:
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * rate(spent / budget, step)
        chosen = random.choice(len(rows), BATCH, p=weights)
        captions = [
            captioner.draw(catalogue[rows[i]["subject"]], rows[i]["colour"], rows[i]["background"], random)
            for i in chosen
        ]
        clean = latents[torch.from_numpy(chosen)]
        noise = torch.randn(clean.shape, generator=generator)
        # More high-noise timesteps than low ones: what is drawn, and where, is settled there.
        timesteps = (torch.rand(BATCH, generator=generator) ** 0.7 * STEPS).long().clamp(max=STEPS - 1)
        predicted = model(noised(clean, noise, timesteps), timesteps, torch.tensor(captions))
        error = (predicted - noise).square().mean(dim=(1, 2, 3))
        loss = (error * noise_weight(timesteps)).mean()
        optimizer.zero_grad()
        loss.backward()
        spent = average_gradients(parameters, time.monotonic() - began)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if rank == 0:
            ema.update(model)
        step += 1
        losses.append(loss.item())
        if step % 100 == 0 and rank == 0:
            speed, logged_at = 100 * batch / (spent - logged_at), spent
            print(
                f"step {step} samples {step * batch} minute {spent / 60:.1f} "
                f"loss {np.mean(losses):.4f} samples/s {speed:.0f}",
                flush=True,
            )
            losses.clear()
        if rank == 0 and (spent - saved_at > 240 or spent >= budget):
            saved_at = spent
            state = {"model": model.state_dict(), "ema": ema.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save(state | {"spent": spent, "step": step, "ids": ids}, file.with_suffix(".tmp"))
            file.with_suffix(".tmp").rename(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=80)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--stress", action="store_true", help="draw the names in STRESSED more often")
    args = parser.parse_args()
    stress = STRESSED if args.stress else {}
    launch(lambda rank, budget: train(rank, budget, stress), args.processes, args.minutes * 60)


if __name__ == "__main__":
    main()
