"""Source pictures to 128x128 training pictures: recolour, mirror, scale, shift, lay on a background."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from starter.catalogue import Subject
from starter.paths import DATA

SIZE = 128
BACKGROUNDS = {
    "white": (255, 255, 255),
    "black": (24, 24, 28),
    "grey": (150, 152, 158),
    "red": (222, 58, 62),
    "orange": (250, 146, 60),
    "yellow": (252, 214, 80),
    "green": (88, 184, 104),
    "blue": (84, 148, 240),
    "purple": (148, 96, 214),
    "pink": (250, 164, 198),
}
HUES = {
    "red": (355, 1.0),
    "orange": (26, 1.0),
    "yellow": (46, 1.0),
    "green": (128, 0.85),
    "blue": (214, 0.95),
    "purple": (274, 0.85),
    "pink": (334, 0.55),
}
"""Target hue in degrees and factor on the saturation, per colour word."""


@cache
def master(code: str) -> Image.Image:
    """The 256x256 RGBA original; some file names carry a variation selector."""
    folder = DATA / "emoji"
    path = next(p for p in (folder / f"{code}.webp", folder / f"{code}-fe0f.webp") if p.exists())
    return Image.open(path).convert("RGBA")


def _main_hue(hue: NDArray, weight: NDArray) -> float:
    """Centre of the fullest of 36 hue bins, in degrees."""
    votes = np.bincount((hue // 10).astype(int).ravel() % 36, weight.ravel(), minlength=36)
    smooth = votes + np.roll(votes, 1) + np.roll(votes, -1)
    return float(np.argmax(smooth) * 10 + 5)


def _to_rgb(*hsv: NDArray) -> NDArray:
    """Hue, saturation and value [h, w] in 0..255 to colours [h, w, 3]."""
    bands = [Image.fromarray(np.clip(band, 0, 255).astype(np.uint8)) for band in hsv]
    return np.asarray(Image.merge("HSV", bands).convert("RGB"), np.float32)


@cache
def recoloured(code: str, colour: str) -> Image.Image:
    """Turns the main hue of a picture (within about 45 degrees) to `colour`; other hues stay."""
    picture = master(code)
    alpha = picture.getchannel("A")
    h, s, v = (c.astype(np.float32) for c in np.moveaxis(np.asarray(picture.convert("RGB").convert("HSV")), -1, 0))
    hue = h * (360 / 256)
    main = _main_hue(hue, s * v * np.asarray(alpha, np.float32))
    away = (hue - main + 180) % 360 - 180
    share = np.clip((60 - np.abs(away)) / 15, 0, 1)
    target, saturation = HUES[colour]
    turned = (target + away * 0.5) % 360
    new = (turned * (256 / 360), s * saturation, v + (255 - v) * 0.25 * (1 - saturation))
    old = np.asarray(picture.convert("RGB"), np.float32)
    mixed = old + (_to_rgb(*new) - old) * share[..., None]
    result = Image.fromarray(mixed.astype(np.uint8))
    result.putalpha(alpha)
    return result


def render(subject: Subject, colour: str, background: str, random: np.random.Generator) -> NDArray[np.uint8]:
    """One picture [128, 128, 3]; `colour` is the subject's own or one of its recolours."""
    natural = colour == subject.colour
    picture = master(subject.code) if natural else recoloured(subject.code, colour)
    if subject.flips and random.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    side = round(SIZE * random.uniform(0.84, 0.95))
    picture = picture.resize((side, side), Image.Resampling.LANCZOS)
    room = (SIZE - side) / 2
    left, top = (round(room + random.uniform(-0.5, 0.5) * room) for _ in range(2))
    canvas = Image.new("RGB", (SIZE, SIZE), BACKGROUNDS[background])
    canvas.paste(picture, (left, top), picture)
    return np.asarray(canvas)
