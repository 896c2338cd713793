"""Writes the firmware folder: model, operators, tokenizer and vocabulary."""

import pathlib
import tempfile

from firmware_export.arrays import FORMS, model_sources
from firmware_export.blob import blob_bytes
from firmware_export.contents import Contents
from firmware_export.resolver import resolver_sources
from firmware_export.task import task_sources
from firmware_export.vocabulary import vocabulary_sources
from firmware_export.written import written_sources

BLOB = "ei_bert.blob"
_MARK = "include/ei_bert/model_data.h"


def write_firmware(
    contents: Contents,
    folder: pathlib.Path,
    model_form: str = FORMS[0],
    sequence: int = 1,
) -> None:
    """Writes the folder under a temporary name beside it, then renames it.

    An older firmware folder of that name is replaced.

    Args:
        contents: what a bundle holds.
        folder: the folder to write, `firmware/` of a bundle.
        model_form: how the model comes, one of FORMS.
        sequence: number of the blob.

    Raises:
        ValueError: the model has an operator without a known kernel, the vocabulary is
            too large, or the folder holds something else than an older firmware folder.
    """
    sources: dict[str, str | bytes] = {
        **model_sources(contents.model, model_form),
        **resolver_sources(contents),
        **vocabulary_sources(contents),
        **task_sources(contents),
        **written_sources(contents.unicode),
        BLOB: blob_bytes(contents, sequence),
    }
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
            path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        if folder.exists():
            folder.rename(pathlib.Path(temporary) / "old")
        written.rename(folder)


def _is_empty(folder: pathlib.Path) -> bool:
    return next(folder.iterdir(), None) is None
