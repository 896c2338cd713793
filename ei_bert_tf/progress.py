"""Shows how a stage goes: one line on a terminal, TensorBoard logs in any case."""

import pathlib
import sys
import time
from typing import Any

from ei_bert_tf.compat import tf

_SECONDS_BETWEEN_LINES = 2.0


class Progress:
    """The trainings' report: rate and time left, a line an epoch when in a pipe.

    Args:
        stage: name that the lines begin with.
        folder: where the TensorBoard logs go.
    """

    def __init__(self, stage: str, folder: pathlib.Path):
        self._stage = stage
        self._writer = tf.summary.create_file_writer(str(folder / stage))
        self._terminal = sys.stderr.isatty()
        self._start = self._shown = time.perf_counter()
        self._first: int | None = None

    def __call__(self, kind: str, step: int, total: int, values: dict[str, Any]):
        if self._first is None:
            self._first = step - 1
        now = time.perf_counter()
        if kind == "step" and now - self._shown < _SECONDS_BETWEEN_LINES:
            return
        self._shown = now
        with self._writer.as_default(step=step):
            for name, value in values.items():
                tf.summary.scalar(name, value)
        if kind == "step" and not self._terminal:
            return
        shown = " ".join(f"{name} {float(v):.4f}" for name, v in values.items())
        rate = (step - self._first) / (now - self._start)
        left = time.strftime("%H:%M:%S", time.gmtime((total - step) / rate))
        line = f"{self._stage}: {step}/{total} ({rate:.1f}/s, {left} left) {shown}"
        if self._terminal:
            end = "\n" if kind == "epoch" else ""
            print(f"\r{line:<78}", end=end, file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)
