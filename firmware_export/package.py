"""The firmware folder: model, operators, tokenizer and vocabulary."""

import pathlib

from firmware_export.arrays import FORMS, model_sources
from firmware_export.blob import blob_bytes
from firmware_export.contents import Contents
from firmware_export.folder import check_place, write_folder
from firmware_export.resolver import resolver_sources
from firmware_export.task import task_sources
from firmware_export.vocabulary import vocabulary_sources
from firmware_export.written import written_sources

BLOB = "ei_bert.blob"
_MARK = "include/ei_bert/model_data.h"
_KIND = "firmware folder"


def firmware_files(
    contents: Contents, model_form: str = FORMS[0], sequence: int = 1
) -> dict[str, str | bytes]:
    """All files by path inside the firmware folder.

    Args:
        contents: what a bundle holds.
        model_form: how the model comes, one of FORMS.
        sequence: number of the blob.

    Raises:
        ValueError: the model has an operator without a known kernel, or the vocabulary
            is too large.
    """
    return {
        **model_sources(contents.model, model_form),
        **resolver_sources(contents),
        **vocabulary_sources(contents),
        **task_sources(contents),
        **written_sources(contents.unicode),
        BLOB: blob_bytes(contents, sequence),
    }


def write_firmware(
    contents: Contents,
    folder: pathlib.Path,
    model_form: str = FORMS[0],
    sequence: int = 1,
) -> None:
    """Writes the folder, `firmware/` of a bundle, in place of an older one.

    Raises:
        ValueError: as firmware_files, or the folder holds something else than an older
            firmware folder.
    """
    files = firmware_files(contents, model_form, sequence)
    write_folder(files, folder, _MARK, _KIND)


def check_firmware_place(folder: pathlib.Path) -> None:
    """Refuses, before there are contents, what write_firmware would refuse to replace.

    Raises:
        ValueError: the folder holds something else than an older firmware folder.
    """
    check_place(folder, _MARK, _KIND)
