"""Shows how a stage goes: one line on a terminal, TensorBoard logs in any case."""

import pathlib
import sys
import time

from ei_bert_tf.compat import tf

_SECONDS_BETWEEN_LINES = 2.0


class Progress:
    """Called as report(kind, step, values) by the trainers.

    Args:
        stage: name that the lines begin with.
        folder: where the TensorBoard logs go.
    """

    def __init__(self, stage: str, folder: pathlib.Path):
        self._stage = stage
        self._writer = tf.summary.create_file_writer(str(folder / stage))
        self._terminal = sys.stderr.isatty()
        self._start = self._shown = time.perf_counter()

    def __call__(self, kind: str, step: int, values: dict) -> None:
        now = time.perf_counter()
        due = now - self._shown >= _SECONDS_BETWEEN_LINES
        if kind == "step" and not due:
            return
        with self._writer.as_default(step=step):
            for name, value in values.items():
                tf.summary.scalar(name, value)
        shown = " ".join(f"{name} {float(v):.4f}" for name, v in values.items())
        rate = step / (now - self._start)
        line = f"{self._stage}: step {step} ({rate:.1f}/s) {shown}"
        if self._terminal:
            self._shown = now
            end = "\n" if kind == "epoch" else ""
            print(f"\r{line:<78}", end=end, file=sys.stderr, flush=True)
        else:
            self._shown = now
            if kind == "epoch":
                print(line, file=sys.stderr, flush=True)
