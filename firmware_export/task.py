"""What is known of the model beside its weights: config.h and task_data.c."""

import zlib
from collections.abc import Sequence

import numpy as np

from firmware_export.contents import Contents
from firmware_export.golden import golden_bytes
from firmware_export.rendering import render
from firmware_export.resolver import operator_list
from firmware_export.vocabulary import Vocabulary, rows

# Of a probability in float32 against one in float64, so that a text that is exactly at
# the threshold stays known, as it is on the host.
_FLOAT_SLACK = 1e-6


def task_sources(contents: Contents) -> dict[str, str]:
    """Text of config.h and task_data.c by path inside the firmware folder."""
    names = names_bytes(contents.labels)
    fields = {
        "contents": contents,
        "model_crc32": zlib.crc32(contents.model),
        "vocabulary_crc32": Vocabulary(contents.pieces).crc32(),
        "operators": operator_list(contents.operators),
        "names": rows(list(names or b"\0"), 16),
        "names_bytes": len(names),
        "golden": rows(list(golden_bytes(contents.golden) or b"\0"), 16),
        "golden_bytes": len(golden_bytes(contents.golden)),
        "temperature": _float(contents.temperature),
        "unknown_threshold": _float(threshold_float(contents.unknown_threshold)),
        "flags": contents.flags,
    }
    return {
        "include/ei_bert/config.h": render("config.h.j2", contents.model, **fields),
        "src/task_data.c": render("task_data.c.j2", contents.model, **fields),
    }


def names_bytes(labels: Sequence[str]) -> bytes:
    """The labels in UTF-8, each with its NUL.

    Raises:
        ValueError: a label holds a NUL itself.
    """
    for label in labels:
        if "\0" in label:
            raise ValueError(f"label {label!r}: holds a NUL; C ends the name there")
    return b"".join(label.encode("utf-8") + b"\0" for label in labels)


def threshold_float(threshold: float) -> float:
    """The threshold that a float32 probability is compared with."""
    return max(0.0, threshold - _FLOAT_SLACK)


def _float(value: float) -> str:
    """A C literal that reads back as the same float32."""
    return f"{np.format_float_scientific(np.float32(value), unique=True, trim='0')}f"
