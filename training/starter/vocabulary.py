"""The tokens that captions use, as a compact table for training.

Row 0 stands for every token never seen: its embedding is held at zero, as are those rows in the export.
Captions carry it now and then, so that the model has learnt to pass over words it does not know.
"""

import numpy as np

from starter.captions import BACKDROPS, ENDINGS, FRAMES, MANNERS, caption
from starter.catalogue import COLOURS, Subject, subjects
from starter.render import BACKGROUNDS
from starter.tokenizer import END, LENGTH, tokenize

UNKNOWN = 0


def seen_ids() -> list[int]:
    """CLIP ids of all tokens in any caption, sorted; compact row i + 1 belongs to entry i."""
    words = [*FRAMES, *MANNERS, *ENDINGS, *BACKDROPS, *COLOURS, *BACKGROUNDS, "some", "the", "a", "an", ","]
    for subject in subjects():
        words += [*subject.names, subject.colour]
    return sorted({i for text in words for i in tokenize(text.replace("{}", " "))})


class Captioner:
    """Random captions as compact ids [77]."""

    def __init__(self, ids: list[int]) -> None:
        self.rows = {token: row + 1 for row, token in enumerate(ids)}
        self.end = self.rows[END]

    def encode(self, text: str) -> list[int]:
        return [self.rows.get(token, UNKNOWN) for token in tokenize(text)]

    def noisy(self, text: str, random: np.random.Generator) -> list[int]:
        """A caption; one in eight has unknown words mixed in."""
        row = self.encode(text)
        if text and random.random() < 0.125:
            words = row[1 : row.index(self.end)]
            for _ in range(random.integers(1, 5)):
                words.insert(random.integers(len(words) + 1), UNKNOWN)
            row = [row[0], *words] + [self.end] * (LENGTH - 1 - len(words))
        return row

    def draw(self, subject: Subject, colour: str, background: str, random: np.random.Generator) -> list[int]:
        """A random caption; one in ten is empty, for guidance."""
        if random.random() < 0.1:
            return self.encode("")
        return self.noisy(caption(subject, colour, background, random), random)
