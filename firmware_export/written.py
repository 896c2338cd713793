"""The hand-written C and C++ sources, with one set of Unicode tables."""

import pathlib

from firmware_export.unicode_tables import FOLDER, SETS

_C = pathlib.Path(__file__).with_name("c")


def written_sources(unicode: str) -> dict[str, str]:
    """Texts by path inside the firmware folder.

    Args:
        unicode: `full`, `latin` or `ascii`: which code points the tables know. A word
            with another one is [UNK].

    Raises:
        ValueError: another set.
    """
    if unicode not in SETS:
        raise ValueError(f"unicode: {unicode!r}; accepted: {', '.join(SETS)}")
    sources = {
        path.relative_to(_C).as_posix(): path.read_text("utf-8")
        for part in ("include", "src")
        for path in (_C / part).rglob("*.*")
    }
    sources["src/unicode_data.c"] = (FOLDER / f"{unicode}.c").read_text("utf-8")
    return sources
