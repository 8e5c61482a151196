"""Records what PyTorch computes with the exported file, for parity tests of other engines.

    python -m starter.reference out/ref.safetensors
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from starter.checkpoint import load
from starter.nets.vae import LATENT_SCALE
from starter.paths import CHECKPOINT
from starter.sample import context
from starter.samplers import euler, timestep, uniform
from starter.tokenizer import tokenize

PROMPT, CFG_SCALE, STEPS, TIMESTEP = "a red apple on a blue background", 5.0, 20, 500.0
KEYS = {
    "token_ids": "[1, 77] int32: start, words of the prompt, end, padded with the end token",
    "token_ids_empty": "[1, 77] int32: the same for the empty prompt",
    "cond": "[1, 77, 192] context of the prompt: last layer after the final layer norm",
    "uncond": "[1, 77, 192] context of the empty prompt",
    "noise": "[1, 4, 16, 16] standard normal noise",
    "sigmas": "[21] sigmas of the run: log-linear at timesteps 999..0 evenly spaced, then 0",
    "timesteps": "[20] the fractional timestep of each sigma",
    "unet_cond": "[1, 4, 16, 16] UNet(noise, timestep 500, cond), no input scaling",
    "unet_uncond": "[1, 4, 16, 16] UNet(noise, timestep 500, uncond)",
    "latents": "[1, 4, 16, 16] scaled latents after Euler, 20 steps, cfg 5, from noise * sqrt(1 + sigma_max^2)",
    "decoded": "[1, 3, 128, 128] VAE decode of latents / 0.18215, not clamped",
    "encoded": "[1, 4, 16, 16] mean of VAE encode of decoded clamped to -1..1, times 0.18215",
}


@torch.no_grad()
def record() -> dict[str, torch.Tensor]:
    """All reference tensors, float32 unless they are ids."""
    networks = load(CHECKPOINT)
    noise = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(42))
    cond, uncond = context(networks, [PROMPT]), context(networks, [""])
    sigmas = uniform(STEPS)

    def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
        scaled = (x / (sigma**2 + 1) ** 0.5).repeat(2, 1, 1, 1)
        times = torch.full((2,), timestep(sigma))
        low, high = networks.unet(scaled, times, torch.cat([uncond, cond])).chunk(2)
        return x - sigma * (low + CFG_SCALE * (high - low))

    latents = euler(denoise, noise * (1 + sigmas[0] ** 2) ** 0.5, sigmas, torch.Generator())
    decoded = networks.vae.decode(latents / LATENT_SCALE)
    time = torch.tensor([TIMESTEP])
    return {
        "token_ids": torch.tensor([tokenize(PROMPT)], dtype=torch.int32),
        "token_ids_empty": torch.tensor([tokenize("")], dtype=torch.int32),
        "cond": cond,
        "uncond": uncond,
        "noise": noise,
        "sigmas": torch.tensor(sigmas),
        "timesteps": torch.tensor([timestep(sigma) for sigma in sigmas[:-1]]),
        "unet_cond": networks.unet(noise, time, cond),
        "unet_uncond": networks.unet(noise, time, uncond),
        "latents": latents,
        "decoded": decoded,
        "encoded": networks.vae.encode(decoded.clamp(-1, 1)) * LATENT_SCALE,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in record().items()}, out)
    notes = {"prompt": PROMPT, "cfg_scale": CFG_SCALE, "unet_timestep": TIMESTEP, "keys": KEYS}
    out.with_suffix(".json").write_text(json.dumps(notes, indent=2) + "\n")


if __name__ == "__main__":
    main()
