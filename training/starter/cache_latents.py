"""Whitens the trained autoencoder and encodes the bank: runs/vae_white.pt and runs/latents.pt.

Latents [N, 4, 16, 16] are scaled: mean 0 and standard deviation 1 per channel.
"""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import torch
from torch import Tensor

from starter.nets.vae import LATENT_SCALE, VAE
from starter.paths import RUNS

STRIDE, PROCESSES = 2, 2


def encode_all(model: VAE, pictures: np.ndarray, batch: int = 8) -> Tensor:
    """Unscaled mean latents [N, 4, 16, 16]."""
    torch.set_num_threads(1)
    parts = []
    for start in range(0, len(pictures), batch):
        pixels = torch.from_numpy(pictures[start : start + batch]).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            parts.append(model.encode(pixels).float())
    return torch.cat(parts)


def latent_rgb(latents: Tensor, pictures: np.ndarray) -> dict[str, list]:
    """Least-squares map from scaled latents [.., 4] to the mean colour 0..1 of their 8x8 pixels."""
    pixels = torch.from_numpy(pictures).float().div(255)
    blocks = pixels.unflatten(1, (16, 8)).unflatten(3, (16, 8)).mean(dim=(2, 4)).reshape(-1, 3)
    inputs = latents.permute(0, 2, 3, 1).reshape(-1, 4)
    inputs = torch.cat([inputs, torch.ones(len(inputs), 1)], dim=1)
    solution = torch.linalg.lstsq(inputs, blocks).solution
    rounded = [[round(x, 4) for x in row] for row in solution.tolist()]
    return {"weight": rounded[:4], "bias": rounded[4]}


def main() -> None:
    pictures = np.load(RUNS / "bank.npy")[::STRIDE]
    model = VAE().eval()
    model.load_state_dict(torch.load(RUNS / "vae.pt", weights_only=True)["ema"]["model"])
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        shares = np.array_split(pictures, PROCESSES)
        raw = torch.cat(list(pool.map(encode_all, [model] * PROCESSES, shares)))
    mean, std = raw.mean(dim=(0, 2, 3)), raw.std(dim=(0, 2, 3))
    model.whiten(mean, std)
    latents = (raw - mean[:, None, None]) / std[:, None, None]
    check = encode_all(model, pictures[:16]) * LATENT_SCALE
    print("mean", mean.tolist(), "std", std.tolist(), "largest difference", (check - latents[:16]).abs().max().item())
    torch.save(model.state_dict(), RUNS / "vae_white.pt")
    torch.save({"latents": latents, "rgb": latent_rgb(latents[::8], pictures[::8])}, RUNS / "latents.pt")


if __name__ == "__main__":
    main()
