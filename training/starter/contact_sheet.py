"""Draws one fixed-seed picture per chosen label with the exported file: samples.png.

    python -m starter.contact_sheet
"""

import time

import numpy as np
from PIL import Image, ImageDraw

from starter.captions import PLURALS
from starter.catalogue import labels
from starter.checkpoint import load
from starter.paths import CHECKPOINT, TRAINING
from starter.sample import Settings, decode, sample

COLUMNS, CAPTION = 10, 14
EXTRAS = (
    "a blue car", "a green apple on a purple background", "a pink heart", "a purple dragon",
    "a cat on a blue background", "a yellow rocket on a black background", "a blue butterfly",
    "a red fish on a yellow background", "a green balloon", "an orange dinosaur on a pink background",
)  # fmt: skip


def article(label: str) -> str:
    """The label as a newcomer would type it."""
    if label in PLURALS:
        return label
    return f"an {label}" if label[0] in "aeio" else f"a {label}"


def prompts(count: int) -> list[str]:
    """`count` labels spread over the catalogue, then a row with colours and backgrounds."""
    names = labels()
    return [article(names[i * len(names) // count]) for i in range(count)] + list(EXTRAS)


def draw(texts: list[str], settings: Settings) -> np.ndarray:
    """Pictures in small batches, to keep memory low."""
    networks = load(CHECKPOINT)
    began = time.monotonic()
    parts = [decode(networks, sample(networks, texts[i : i + 10], settings)) for i in range(0, len(texts), 10)]
    print(f"{(time.monotonic() - began) / len(texts):.2f} s a picture")
    return np.concatenate(parts)


def sheet(pictures: np.ndarray, texts: list[str]) -> Image.Image:
    """Rows of pictures with their prompts below."""
    side = pictures.shape[1]
    rows = -(-len(texts) // COLUMNS)
    result = Image.new("RGB", (COLUMNS * side, rows * (side + CAPTION)), "white")
    pen = ImageDraw.Draw(result)
    for i, (picture, text) in enumerate(zip(pictures, texts)):
        x, y = i % COLUMNS * side, i // COLUMNS * (side + CAPTION)
        result.paste(Image.fromarray(picture), (x, y))
        pen.text((x + 3, y + side), text[:22], "black")
    return result


def main() -> None:
    texts = prompts(60)
    picture = sheet(draw(texts, Settings()), texts)
    picture.quantize(256, dither=Image.Dither.NONE).save(TRAINING / "samples.png", optimize=True)


if __name__ == "__main__":
    main()
