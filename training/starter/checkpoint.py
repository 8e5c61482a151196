"""The checkpoint file: one safetensors with Stable Diffusion 1.x keys."""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from starter.nets.text import TextModel
from starter.nets.unet import UNet
from starter.nets.vae import VAE

PREFIXES = {
    "text": "cond_stage_model.transformer.text_model.",
    "unet": "model.diffusion_model.",
    "vae": "first_stage_model.",
}


@dataclass(frozen=True)
class Networks:
    text: TextModel
    unet: UNet
    vae: VAE


def tensors(networks: Networks) -> dict[str, Tensor]:
    """All weights in half precision under their checkpoint keys."""
    return {
        PREFIXES[part] + key: tensor.detach().half().contiguous()
        for part in PREFIXES
        for key, tensor in getattr(networks, part).state_dict().items()
    }


def load(file: Path) -> Networks:
    """The networks of a checkpoint in float32, ready for inference."""
    weights = load_file(file)
    networks = Networks(TextModel().eval(), UNet().eval(), VAE().eval())
    for part, prefix in PREFIXES.items():
        own = {key[len(prefix) :]: value.float() for key, value in weights.items() if key.startswith(prefix)}
        getattr(networks, part).load_state_dict(own)
    torch.set_grad_enabled(False)
    return networks


def metadata(file: Path) -> dict[str, str]:
    with safe_open(file, "pt") as opened:
        return opened.metadata()
