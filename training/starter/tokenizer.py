"""CLIP's byte-pair tokenizer for plain text, rebuilt from its list of merges."""

import json
from functools import cache

import regex

from starter.paths import DATA

START, END, LENGTH = 49_406, 49_407, 77
MERGES = 48_894
WORD = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", regex.IGNORECASE)


def _byte_symbols() -> list[str]:
    """The printable stand-in of every byte, in the vocabulary's order."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return [chr(b) for b in plain] + [chr(256 + i) for i in range(len(others))]


def _byte_order() -> list[int]:
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return plain + [b for b in range(256) if b not in plain]


@cache
def _tables() -> tuple[dict[tuple[str, str], int], dict[str, int], dict[int, str]]:
    """Merge ranks, token ids, and the symbol of each byte."""
    source = (DATA / "clip" / "bpe_simple_vocab_16e6.js").read_text("utf-8")
    quoted = source[source.index("{") + 1 : source.rindex("}")].split(":", 1)[1].strip()
    lines = json.loads(quoted).split("\n")[1 : MERGES + 1]
    merges = [(a, b) for a, b in (line.split() for line in lines)]
    symbols = _byte_symbols()
    words = symbols + [s + "</w>" for s in symbols] + [a + b for a, b in merges]
    return (
        {pair: rank for rank, pair in enumerate(merges)},
        {word: index for index, word in enumerate(words)},
        dict(zip(_byte_order(), symbols)),
    )


@cache
def _word_ids(word: str) -> tuple[int, ...]:
    """Merges the best-ranked pair until none is left."""
    ranks, ids, symbols = _tables()
    parts = [symbols[b] for b in word.encode()]
    parts[-1] += "</w>"
    while len(parts) > 1:
        pair = min(zip(parts, parts[1:]), key=lambda p: ranks.get(p, MERGES))
        if pair not in ranks:
            break
        merged: list[str] = []
        for part in parts:
            if merged and (merged[-1], part) == pair:
                merged[-1] += part
            else:
                merged.append(part)
        parts = merged
    return tuple(ids[part] for part in parts)


def tokenize(text: str) -> list[int]:
    """Exactly 77 ids: start, words, end, padded with the end token."""
    ids = [i for word in WORD.findall(text.lower()) for i in _word_ids(word)]
    ids = [START, *ids[: LENGTH - 2], END]
    return ids + [END] * (LENGTH - len(ids))
