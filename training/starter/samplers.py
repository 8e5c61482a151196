"""Schedules and samplers in the k-diffusion convention: x = signal + sigma * noise."""

from collections.abc import Callable

import torch
from torch import Tensor

from starter.diffusion import SIGMAS, STEPS

Denoiser = Callable[[Tensor, float], Tensor]
"""(x, sigma) -> the clean latents the model sees in x."""


def timestep(sigma: float) -> float:
    """The fractional timestep of a sigma, linear in log sigma between the trained ones."""
    logs = SIGMAS.log()
    log = torch.tensor(sigma).log().clamp(logs[0], logs[-1])
    low = int((logs <= log).sum().clamp(1, STEPS - 1)) - 1
    return low + float((log - logs[low]) / (logs[low + 1] - logs[low]))


def uniform(steps: int) -> list[float]:
    """Sigmas at evenly spaced timesteps from 999 to 0, then 0: the "automatic" schedule."""
    times = torch.linspace(STEPS - 1, 0, steps)
    low = times.long().clamp(max=STEPS - 2)
    logs = SIGMAS.log()
    return torch.lerp(logs[low], logs[low + 1], times - low).exp().tolist() + [0.0]


def karras(steps: int, rho: float = 7.0) -> list[float]:
    """Karras et al. 2022, equation 5, arXiv:2206.00364."""
    high, low = SIGMAS[-1] ** (1 / rho), SIGMAS[0] ** (1 / rho)
    return ((high + torch.linspace(0, 1, steps) * (low - high)) ** rho).tolist() + [0.0]


def euler(denoise: Denoiser, x: Tensor, sigmas: list[float], _: torch.Generator) -> Tensor:
    for sigma, following in zip(sigmas, sigmas[1:]):
        x = x + (x - denoise(x, sigma)) / sigma * (following - sigma)
    return x


def euler_ancestral(denoise: Denoiser, x: Tensor, sigmas: list[float], generator: torch.Generator) -> Tensor:
    """Euler to a lower sigma than asked for, then fresh noise back up to it."""
    for sigma, following in zip(sigmas, sigmas[1:]):
        up = min(following, (following**2 * (sigma**2 - following**2) / sigma**2) ** 0.5)
        down = (following**2 - up**2) ** 0.5
        x = x + (x - denoise(x, sigma)) / sigma * (down - sigma)
        x = x + up * torch.randn(x.shape, generator=generator)
    return x


def dpmpp_2m(denoise: Denoiser, x: Tensor, sigmas: list[float], _: torch.Generator) -> Tensor:
    """DPM-Solver++(2M). Lu et al. 2022, arXiv:2211.01095."""
    previous, last_h = None, 0.0
    for sigma, following in zip(sigmas, sigmas[1:]):
        denoised = denoise(x, sigma)
        if following == 0:
            return denoised
        h = float(torch.tensor(sigma / following).log())
        blend = denoised if previous is None else denoised + (denoised - previous) * h / (2 * last_h)
        x = following / sigma * x - (torch.tensor(-h).expm1()) * blend
        previous, last_h = denoised, h
    return x


SAMPLERS = {"Euler": euler, "Euler a": euler_ancestral, "DPM++ 2M": dpmpp_2m}
SCHEDULES = {"Automatic": uniform, "Karras": karras}
