"""Writes the checkpoint from the averaged weights of both runs, with its metadata.

    python -m starter.export
"""

import datetime
import json

import torch
from safetensors.torch import save_file

from starter.catalogue import labels
from starter.checkpoint import Networks, tensors
from starter.nets.text import TextModel, full_table
from starter.nets.vae import VAE
from starter.paths import CHECKPOINT, RUNS
from starter.train_unet import Model

SAMPLE_PROMPTS = [
    "a cat",
    "a red heart",
    "a blue car",
    "a burger",
    "a robot",
    "a yellow star",
    "a panda",
    "a mushroom",
    "a cat on a blue background",
    "a smiley",
    "a gift",
    "a christmas tree",
]
DEFAULTS = {
    "sampler": "Euler a",
    "scheduler": "Automatic",
    "steps": 20,
    "cfgScale": 3.5,
    "width": 128,
    "height": 128,
}


def networks() -> tuple[Networks, dict]:
    """The averaged networks with CLIP's full token table, and the saved state of the UNet run."""
    saved = torch.load(RUNS / "unet.pt", weights_only=True)
    model = Model(len(saved["ids"]) + 1)
    model.load_state_dict(saved["ema"]["model"])
    vae = VAE()
    vae.load_state_dict(torch.load(RUNS / "vae_white.pt", weights_only=True))
    text = TextModel(tokens=1)
    own = model.text.state_dict()
    rows = own["embeddings.token_embedding.weight"][1:]
    own["embeddings.token_embedding.weight"] = full_table(rows, saved["ids"])
    text.embeddings.token_embedding = torch.nn.Embedding(*own["embeddings.token_embedding.weight"].shape)
    text.load_state_dict(own)
    return Networks(text, model.unet, vae), saved


def describe() -> dict[str, str]:
    """The file's metadata: modelspec terms, and what the studio shows with the model."""
    rgb = torch.load(RUNS / "latents.pt", weights_only=True)["rgb"]
    return {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": "stable-diffusion-v1",
        "modelspec.implementation": "https://github.com/CompVis/stable-diffusion",
        "modelspec.title": "Atelier Starter",
        "modelspec.author": "The Atelier authors",
        "modelspec.license": "MIT",
        "modelspec.description": (
            "A tiny model that draws single everyday things as glossy 3D emoji on plain backgrounds at 128x128 pixels."
        ),
        "modelspec.resolution": "128x128",
        "modelspec.usage_hint": (
            f"Name one of its {len(labels())} things, if you like with a colour and a background: "
            '"a red apple", "a blue car on a yellow background". It knows no scenes, people or text.'
        ),
        "modelspec.prediction_type": "epsilon",
        "modelspec.date": datetime.date.today().isoformat(),
        "atelier.sample_prompts": json.dumps(SAMPLE_PROMPTS),
        "atelier.defaults": json.dumps(DEFAULTS),
        "atelier.latent_rgb": json.dumps(rgb),
        "atelier.labels": json.dumps(labels()),
    }


def main() -> None:
    model, saved = networks()
    CHECKPOINT.parent.mkdir(parents=True, exist_ok=True)
    partial = CHECKPOINT.with_suffix(".partial")
    save_file(tensors(model), partial, describe())
    partial.chmod(0o644)
    partial.rename(CHECKPOINT)
    megabytes = CHECKPOINT.stat().st_size / 1e6
    print(f"{CHECKPOINT.name}: {megabytes:.1f} MB, UNet step {saved['step']}")


if __name__ == "__main__":
    main()
