"""Teaches the text encoder to tell captions apart before the UNet learns from it: runs/text.pt.

From the end token on, every position's context is pulled towards a fixed random code of the label, the colour if it
is said, and the background. Left to the UNet's gradients alone, which reach it late, names stay mixed up for long.

    python -m starter.train_text --minutes 1.2
"""

import argparse
import time

import numpy as np
import torch
from torch import Tensor

from starter.captions import caption
from starter.catalogue import COLOURS, Subject, labels, subjects
from starter.nets.text import TextModel
from starter.paths import RUNS
from starter.render import BACKGROUNDS
from starter.vocabulary import UNKNOWN, Captioner, seen_ids

PARTS = (112, 40, 40)
"""How many of the 192 channels stand for the label, the colour and the background."""
BATCH, RATE = 24, 2e-3


class Codes:
    """Random codes with unit variance, the same in every run."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(4)
        colours = sorted({*COLOURS, *(subject.colour for subject in subjects())})
        self.tables = [
            {word: torch.randn(width, generator=generator) for word in words}
            for width, words in zip(PARTS, (labels(), colours, BACKGROUNDS))
        ]

    def of(self, subject: Subject, colour: str, background: str, text: str) -> Tensor:
        """The code [192] of a caption; an unsaid colour is zero, and so is an empty caption."""
        if not text:
            return torch.zeros(sum(PARTS))
        said = any(f"{colour} {name}" in text for name in subject.names)
        label, hue, backdrop = self.tables
        backdrop_word = background if background in text else "white"
        return torch.cat([label[subject.label], hue[colour] * said, backdrop[backdrop_word]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.2)
    budget = parser.parse_args().minutes * 60
    torch.manual_seed(4)
    torch.set_num_threads(1)
    random, codes, file = np.random.default_rng(4), Codes(), RUNS / "text.pt"
    saved = torch.load(file, weights_only=True) if file.exists() else {"ids": seen_ids()}
    captioner = Captioner(saved["ids"])
    model = TextModel(len(saved["ids"]) + 1)
    if "text" in saved:
        model.load_state_dict(saved["text"])
    model.embeddings.token_embedding.weight.data[UNKNOWN] = 0
    model.embeddings.token_embedding.padding_idx = UNKNOWN
    optimizer = torch.optim.AdamW(model.parameters(), RATE, betas=(0.9, 0.99), weight_decay=1e-3, fused=True)
    catalogue, began, step = subjects(), time.monotonic(), 0
    while (spent := time.monotonic() - began) < budget:
        optimizer.param_groups[0]["lr"] = RATE * min(1.0, (step + 1) / 50) * (1.02 - spent / budget)
        ids, targets = [], []
        for _ in range(BATCH):
            subject = catalogue[random.integers(len(catalogue))]
            colour = str(random.choice([subject.colour, *subject.recolours]))
            background = str(random.choice(list(BACKGROUNDS)))
            text = caption(subject, colour, background, random) if random.random() > 0.05 else ""
            ids.append(captioner.noisy(text, random))
            targets.append(codes.of(subject, colour, background, text))
        tokens = torch.tensor(ids)
        after_end = (tokens == captioner.end).float()[..., None]
        error = (model(tokens) - torch.stack(targets)[:, None]).square() * after_end
        loss = error.sum() / after_end.sum() / sum(PARTS)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 100 == 0:
            print(f"step {step} loss {loss.item():.4f}", flush=True)
    torch.save({"text": model.state_dict(), "ids": saved["ids"]}, file)


if __name__ == "__main__":
    main()
