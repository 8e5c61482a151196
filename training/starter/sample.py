"""Draws prompts with a checkpoint.

    python -m starter.sample --out apple.png "a red apple" "a blue car on a yellow background"
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from starter.checkpoint import Networks, load
from starter.nets.vae import LATENT_SCALE
from starter.paths import CHECKPOINT
from starter.samplers import SAMPLERS, SCHEDULES, timestep
from starter.tokenizer import tokenize


@dataclass(frozen=True)
class Settings:
    sampler: str = "Euler a"
    schedule: str = "Automatic"
    steps: int = 20
    cfg_scale: float = 3.5
    seed: int = 1


def context(networks: Networks, prompts: list[str]) -> Tensor:
    """Conditioning [batch, 77, width]."""
    return networks.text(torch.tensor([tokenize(prompt) for prompt in prompts]))


def sample(networks: Networks, prompts: list[str], settings: Settings) -> Tensor:
    """Scaled latents [batch, 4, 16, 16]; each prompt starts from noise of the same seed."""
    generator = torch.Generator().manual_seed(settings.seed)
    both = torch.cat([context(networks, [""] * len(prompts)), context(networks, prompts)])

    def denoise(x: Tensor, sigma: float) -> Tensor:
        scaled = (x / (sigma**2 + 1) ** 0.5).repeat(2, 1, 1, 1)
        times = torch.full((len(scaled),), timestep(sigma))
        uncond, cond = networks.unet(scaled, times, both).chunk(2)
        return x - sigma * (uncond + settings.cfg_scale * (cond - uncond))

    sigmas = SCHEDULES[settings.schedule](settings.steps)
    noise = torch.randn(1, 4, 16, 16, generator=generator).repeat(len(prompts), 1, 1, 1)
    start = noise * (1 + sigmas[0] ** 2) ** 0.5
    return SAMPLERS[settings.sampler](denoise, start, sigmas, generator)


def decode(networks: Networks, latents: Tensor) -> np.ndarray:
    """Pictures [batch, 128, 128, 3] uint8."""
    pixels = networks.vae.decode(latents / LATENT_SCALE).clamp(-1, 1)
    return ((pixels + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()


def grid(pictures: np.ndarray, columns: int) -> Image.Image:
    """All pictures in rows of `columns`, white where the last row ends early."""
    count, height, width, _ = pictures.shape
    sheet = Image.new("RGB", (columns * width, -(-count // columns) * height), "white")
    for i, picture in enumerate(pictures):
        sheet.paste(Image.fromarray(picture), (i % columns * width, i // columns * height))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompts", nargs="+")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--out", type=Path, default=Path("sample.png"))
    parser.add_argument("--sampler", choices=SAMPLERS, default=Settings.sampler)
    parser.add_argument("--schedule", choices=SCHEDULES, default=Settings.schedule)
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--cfg-scale", type=float, default=Settings.cfg_scale)
    parser.add_argument("--seed", type=int, default=Settings.seed)
    parser.add_argument("--columns", type=int, default=10)
    args = parser.parse_args()
    settings = Settings(args.sampler, args.schedule, args.steps, args.cfg_scale, args.seed)
    networks = load(args.checkpoint)
    pictures = decode(networks, sample(networks, args.prompts, settings))
    grid(pictures, args.columns).save(args.out)


if __name__ == "__main__":
    main()
