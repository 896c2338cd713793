"""The phone folder: a model that phone runtimes read, and a program in Python.

MediaPipe Tasks on Android, on iOS and in browsers takes `model.tflite` alone: the
vocabulary and the labels travel in it. A Raspberry Pi runs `predict_tflite_runtime.py`,
which is written by hand in `python/` and shipped as it is.
"""

import io
import json
import pathlib
import zipfile

from firmware_export.contents import Contents
from firmware_export.folder import check_place, write_folder
from firmware_export.phone_graph import PROBABILITIES, VALUE, phone_graph
from firmware_export.phone_metadata import (
    LABELS_FILE,
    VOCABULARY_FILE,
    metadata_bytes,
)

_PYTHON = pathlib.Path(__file__).with_name("python")
_WRITTEN = ("predict_tflite_runtime.py", "unicode.json")
_MARK = _WRITTEN[0]
_KIND = "phone folder"
# The earliest date that a zip can hold: the same bytes on every day.
_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX, _RIGHTS = 3, 0o644 << 16


def phone_files(contents: Contents) -> dict[str, str | bytes]:
    """All files by path inside the phone folder.

    Args:
        contents: what a bundle holds.
    """
    task = {
        "pair": contents.pair,
        "labels": list(contents.labels),
        "temperature": contents.temperature,
        "unknown_threshold": contents.unknown_threshold,
        "unknown_label": contents.unknown_label,
        "added_operators": 1 if contents.is_regression else 2,
    }
    return {
        "model.tflite": _model(contents),
        "task.json": json.dumps(task, indent=1, ensure_ascii=False) + "\n",
        **{name: (_PYTHON / name).read_text("utf-8") for name in _WRITTEN},
    }


def write_phone(contents: Contents, folder: pathlib.Path) -> None:
    """Writes the folder, `phone/` of a bundle, in place of an older one.

    Raises:
        ValueError: the folder holds something else than an older phone folder.
    """
    write_folder(phone_files(contents), folder, _MARK, _KIND)


def check_phone_place(folder: pathlib.Path) -> None:
    """Refuses, before there are contents, what write_phone would refuse to replace.

    Raises:
        ValueError: the folder holds something else than an older phone folder.
    """
    check_place(folder, _MARK, _KIND)


def _model(contents: Contents) -> bytes:
    regression = contents.is_regression
    metadata = metadata_bytes(
        contents.labels,
        contents.unknown_threshold,
        VALUE if regression else PROBABILITIES,
    )
    temperature = None if regression else contents.temperature
    files = {VOCABULARY_FILE: contents.pieces}
    if not regression:
        files[LABELS_FILE] = contents.labels
    with io.BytesIO(phone_graph(contents.model, temperature, metadata)) as model:
        # Readers of the metadata find the files by the zip at the end of the model,
        # and use them where they lie, so they are not compressed.
        with zipfile.ZipFile(model, "a", zipfile.ZIP_STORED) as archive:
            for name, lines in files.items():
                entry = zipfile.ZipInfo(name, _DATE)
                entry.create_system, entry.external_attr = _UNIX, _RIGHTS
                archive.writestr(entry, "".join(f"{line}\n" for line in lines))
        return model.getvalue()
