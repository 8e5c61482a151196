"""Renders the bank of training pictures once: runs/bank.npy and runs/bank.json.

Pictures [N, 128, 128, 3] uint8; the JSON list says what each one shows.
"""

import json

import numpy as np
from numpy.typing import NDArray

from starter.catalogue import Subject, subjects
from starter.paths import RUNS
from starter.render import BACKGROUNDS, render

OTHER_BACKGROUNDS = tuple(name for name in BACKGROUNDS if name != "white")


def recipes(subject: Subject) -> list[tuple[str, str]]:
    """(colour, background) of every picture of one subject: natural colour most often, white most often."""
    natural = [(subject.colour, "white")] * 12 + [(subject.colour, b) for b in OTHER_BACKGROUNDS]
    shifted = [
        (colour, background)
        for i, colour in enumerate(subject.recolours)
        for background in ["white"] * 4 + list(OTHER_BACKGROUNDS[i % 3 :: 3])
    ]
    return natural + shifted


def main() -> None:
    random = np.random.default_rng(1)
    pictures: list[NDArray[np.uint8]] = []
    rows = []
    for subject in subjects():
        for colour, background in recipes(subject):
            pictures.append(render(subject, colour, background, random))
            rows.append({"subject": subject.code, "colour": colour, "background": background})
    RUNS.mkdir(exist_ok=True)
    np.save(RUNS / "bank.npy", np.stack(pictures))
    (RUNS / "bank.json").write_text(json.dumps(rows))
    print(f"{len(rows)} pictures of {len(subjects())} subjects")


if __name__ == "__main__":
    main()
