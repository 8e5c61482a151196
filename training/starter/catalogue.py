"""The things the model can draw: one row of catalogue.tsv per source picture."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
"""Hues an object may be given; also the words for them in captions."""


@dataclass(frozen=True)
class Subject:
    """One source picture.

    `names[0]` is the label; two subjects may share a label (a cat and a cat's face).
    """

    code: str
    names: tuple[str, ...]
    colour: str
    recolours: tuple[str, ...]
    flips: bool

    @property
    def label(self) -> str:
        return self.names[0]


def _recolours(field: str, natural: str) -> tuple[str, ...]:
    if field == "-":
        return ()
    wanted = COLOURS if field == "all" else tuple(field.split("|"))
    return tuple(colour for colour in wanted if colour != natural)


@cache
def subjects() -> tuple[Subject, ...]:
    """All rows of the catalogue, in file order."""
    text = Path(__file__).with_name("catalogue.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return tuple(
        Subject(code, tuple(names.split("|")), colour, _recolours(recolour, colour), flip == "1")
        for code, names, colour, recolour, flip in rows
    )


def labels() -> list[str]:
    """Distinct labels in catalogue order."""
    return list(dict.fromkeys(subject.label for subject in subjects()))
