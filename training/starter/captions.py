"""What a newcomer might type for a picture: templates, synonyms, colour words, backgrounds, filler."""

import numpy as np

from starter.catalogue import Subject

PLURALS = {"grapes", "cherries", "fries", "french fries"}
FRAMES = (
    "a picture of {}", "a photo of {}", "a drawing of {}", "an image of {}", "an emoji of {}",
    "an icon of {}", "a 3d render of {}", "{} emoji", "{} icon",
)  # fmt: skip
MANNERS = ("cute", "small", "big", "little", "beautiful", "shiny", "nice", "simple")
ENDINGS = ("3d render", "high quality", "best quality", "masterpiece", "detailed", "simple", "emoji", "cute", "icon")
BACKDROPS = (
    "{} on a {} background", "{} on a {} background", "{} on {}", "{} with a {} background", "{}, {} background",
)  # fmt: skip


def _pick(options: tuple[str, ...], random: np.random.Generator) -> str:
    return options[random.integers(len(options))]


def _thing(subject: Subject, colour: str, random: np.random.Generator) -> str:
    """The name with its colour and article; a colour other than the natural one is always said."""
    name = subject.label if random.random() < 0.75 else _pick(subject.names, random)
    said = colour != subject.colour or random.random() < 0.5
    words = [colour, name] if said and colour not in name.split() else [name]
    if random.random() < 0.08:
        words.insert(0, _pick(MANNERS, random))
    phrase = " ".join(words)
    if random.random() < 0.3:
        return phrase
    if name in PLURALS:
        return f"some {phrase}"
    if random.random() < 0.1:
        return f"the {phrase}"
    return f"an {phrase}" if phrase[0] in "aeiou" and not phrase.startswith("un") else f"a {phrase}"


def caption(subject: Subject, colour: str, background: str, random: np.random.Generator) -> str:
    """One caption; white backgrounds mostly go without saying, others hardly ever do."""
    text = _thing(subject, colour, random)
    if random.random() < 0.35:
        text = _pick(FRAMES, random).format(text)
    if random.random() < (0.12 if background == "white" else 0.97):
        text = _pick(BACKDROPS, random).format(text, background)
    if random.random() < 0.08:
        text = f"{text}, {_pick(ENDINGS, random)}"
    return text
