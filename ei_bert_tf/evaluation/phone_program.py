"""Runs the program of a bundle's phone folder with a Python of the user's choice.

It is what a Raspberry Pi runs: its own tokenizer, tflite-runtime and numpy, in an
environment that need not have this package.
"""

import json
import os
import pathlib
import subprocess
from collections.abc import Sequence
from typing import Any

from ei_bert_tf.errors import InputError

_PROGRAM = "phone/predict_tflite_runtime.py"
PHONE_FILES = (
    _PROGRAM,
    "phone/model.tflite",
    "phone/task.json",
    "phone/unicode.json",
)


def run_phone_program(
    bundle: pathlib.Path,
    python: str | os.PathLike[str],
    texts: Sequence[str],
    pairs: Sequence[str] | None,
) -> list[dict[str, Any]]:
    """The program's answers, one a text.

    Args:
        bundle: the folder that holds PHONE_FILES.
        python: the interpreter.

    Returns:
        What `Classifier.classify` of the program returns: `label`, `probability`,
        `value`, `ids` and `logits`.

    Raises:
        InputError: the interpreter can't be started, or the program refuses.
    """
    rows = [[text] for text in texts]
    if pairs is not None:
        rows = [[*row, pair] for row, pair in zip(rows, pairs, strict=True)]
    given = "".join(json.dumps(row) + "\n" for row in rows)
    # A PYTHONPATH is of this program's Python, not of the other one.
    command = [os.fspath(python), "-E", str(bundle / _PROGRAM), "--json"]
    try:
        done = subprocess.run(
            command, input=given, capture_output=True, encoding="utf-8", check=False
        )
    except OSError as error:
        raise InputError(
            f"--tflite_runtime_python={python}: {error.strerror}; accepted: a Python "
            "3.9 or later with tflite-runtime"
        ) from error
    if done.returncode:
        lines = done.stderr.split("\n")
        reason = next((line for line in reversed(lines) if line.strip()), "no reason")
        raise InputError(f"--tflite_runtime_python={python}: {reason.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]
