"""Writes a folder as a whole or not at all."""

import pathlib
import tempfile
from collections.abc import Mapping


def write_folder(
    files: Mapping[str, str | bytes], folder: pathlib.Path, mark: str, kind: str
) -> None:
    """Writes the folder under a temporary name beside it, then renames it.

    An older folder of the kind is replaced as a whole.

    Args:
        files: what they hold, by path inside the folder.
        folder: the folder to write.
        mark: the file by which an older folder of the kind is known.
        kind: what such a folder is called in a refusal.

    Raises:
        ValueError: the folder holds something else.
    """
    check_place(folder, mark, kind)
    # A name such as `.` can't be renamed, and a link is to stay one.
    place = pathlib.Path(folder).resolve()
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=f".{place.name}.", dir=place.parent
    ) as temporary:
        # mkdtemp is private to the user; the folder inside has the usual rights.
        written = pathlib.Path(temporary) / "new"
        for name, text in sorted(files.items()):
            path = written / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        if place.exists():
            place.rename(pathlib.Path(temporary) / "old")
        written.rename(place)


def check_place(folder: pathlib.Path, mark: str, kind: str) -> None:
    """Refuses what write_folder must not replace.

    Raises:
        ValueError: the folder holds something else than an older one of the kind.
    """
    place = pathlib.Path(folder)
    if place.exists() and not (
        place.is_dir() and (_is_empty(place) or (place / mark).is_file())
    ):
        raise ValueError(
            f"{folder}: exists and is no {kind}; a new name, an empty folder or an "
            f"older {kind} is accepted"
        )


def _is_empty(folder: pathlib.Path) -> bool:
    return next(folder.iterdir(), None) is None
