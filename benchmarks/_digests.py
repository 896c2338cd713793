"""Digests that say which sources a record is about."""

import hashlib
import pathlib

_ROOT = pathlib.Path(__file__).parents[1]


def written_digests() -> dict[str, str]:
    """sha256 of the hand-written sources and of what generates the others."""
    folder = _ROOT / "firmware_export"
    paths = [*(folder / "c").rglob("*.*"), *(folder / "templates").glob("*.j2")]
    return {path.relative_to(_ROOT).as_posix(): digest(path) for path in sorted(paths)}


def digest(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
