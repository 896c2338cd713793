"""Labels and regression values as they stand in a table's last column."""

import math
import re

import numpy as np

from ei_bert_tf.errors import InputError
from ei_bert_tf.text.readers import Table

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
# labels.txt and the firmware's tables hold one label a line.
_NOT_IN_LABELS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def label_of(table: Table, index: int) -> str:
    """The class name in row `index`."""
    label = table.rows[index][-1]
    if not label.strip() or _NOT_IN_LABELS.search(label):
        found = repr(label) if label.strip() else "empty"
        raise InputError(
            f"{table.path}:{table.lines[index]}: broken row: the label is {found}; "
            "expected text without line breaks and control characters"
        )
    return label


def value_of(table: Table, index: int) -> float:
    """The regression target in row `index`, finite as a float32."""
    field = table.rows[index][-1]
    try:
        # float() alone would take "1_000" for a number.
        value = math.nan if "_" in field else float(field)
    except ValueError:
        value = math.nan
    if not abs(value) <= float(np.finfo(np.float32).max):
        raise InputError(
            f"{table.path}:{table.lines[index]}: broken row: the target is {field!r}; "
            "expected a finite number"
        )
    return value


def ordered(labels: set[str]) -> list[str]:
    """As numbers if all are integers, else by code point."""
    if all(_INTEGER.fullmatch(label) for label in labels):
        return sorted(labels, key=lambda label: (int(label), label))
    return sorted(labels)
