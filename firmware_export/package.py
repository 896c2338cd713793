"""Writes the firmware folder: model, operators, tokenizer and vocabulary."""

import pathlib
import tempfile
from collections.abc import Sequence

from firmware_export.arrays import model_sources
from firmware_export.resolver import resolver_sources
from firmware_export.tokenizer import tokenizer_sources
from firmware_export.vocabulary import vocabulary_sources

_MARK = "include/ei_bert/model_data.h"


def write_firmware(
    model: bytes,
    operators: Sequence[dict],
    pieces: Sequence[str],
    folder: pathlib.Path,
    unicode: str = "full",
) -> None:
    """Writes the folder under a temporary name beside it, then renames it.

    An older firmware folder of that name is replaced.

    Args:
        model: the .tflite.
        operators: the model's operators, as the manifest's `ops`.
        pieces: the vocabulary in id order.
        folder: the folder to write, `firmware/` of a bundle.
        unicode: the tokenizer's tables: `full`, `latin` or `ascii`.

    Raises:
        ValueError: the model has an operator without a known kernel, the vocabulary is
            too large, or the folder holds something else than an older firmware folder.
    """
    sources = (
        model_sources(model)
        | resolver_sources(model, operators)
        | vocabulary_sources(model, pieces)
        | tokenizer_sources(unicode)
    )
    folder = pathlib.Path(folder)
    if folder.exists() and not (
        folder.is_dir() and (_is_empty(folder) or (folder / _MARK).is_file())
    ):
        raise ValueError(
            f"{folder}: exists and is no firmware folder; a new name, an empty folder "
            "or an older firmware folder is accepted"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=f".{folder.name}.", dir=folder.parent
    ) as temporary:
        # mkdtemp is private to the user; the folder inside has the usual rights.
        written = pathlib.Path(temporary) / "new"
        for name, text in sorted(sources.items()):
            path = written / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8"))
        if folder.exists():
            folder.rename(pathlib.Path(temporary) / "old")
        written.rename(folder)


def _is_empty(folder: pathlib.Path) -> bool:
    return next(folder.iterdir(), None) is None
