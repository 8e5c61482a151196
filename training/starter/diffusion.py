"""The noise process of Stable Diffusion 1: scaled-linear betas over 1000 steps, noise prediction."""

import torch
from torch import Tensor

STEPS = 1000
ALPHAS = (1 - torch.linspace(0.00085**0.5, 0.012**0.5, STEPS, dtype=torch.float64) ** 2).cumprod(0).float()
"""Cumulative share of signal variance per timestep."""
SIGMAS = ((1 - ALPHAS) / ALPHAS).sqrt()
"""The same as noise over signal: 0.03 to 14.6."""


def noised(latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """sqrt(a) x + sqrt(1 - a) noise, each [batch, 4, h, w] with its own timestep."""
    a = ALPHAS[timesteps][:, None, None, None]
    return a.sqrt() * latents + (1 - a).sqrt() * noise


def noise_weight(timesteps: Tensor, gamma: float = 5.0, most: float = 100.0) -> Tensor:
    """Weight of the noise error per timestep: the error of v, limited where there is little noise.

    min(snr, gamma) + 1 weighs the error of the clean latents (Hang et al. 2023, arXiv:2303.09556, section 3.4);
    dividing by the snr turns it into a weight of the noise error. Without the + 1, the highest noise levels, which
    settle what is drawn and on which background, would hardly count: there even a blind guess has little noise error.
    """
    snr = SIGMAS[timesteps] ** -2
    return ((snr.clamp(max=gamma) + 1) / snr).clamp(max=most)
