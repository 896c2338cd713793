"""Run as a program by arena.py: the smallest arena of the model on standard input.

It imports nothing of this package, so that it starts fast. Each size is tried in a
forked child: TFLM crashes on an arena that cannot hold its own objects.
"""

import os
import sys

import numpy as np
from tflite_micro import runtime

STEP_BYTES = 16
_LARGEST_BYTES = 1 << 28


def runs(model: bytes, arena_bytes: int) -> bool:
    """Whether TFLM allocates and makes one inference in so many bytes."""
    child = os.fork()
    if child == 0:
        try:
            _run_once(model, arena_bytes)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _run_once(model: bytes, arena_bytes: int) -> None:
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=arena_bytes)
    graph = runtime.schema_fb.Model.GetRootAs(model, 0).Subgraphs(0)
    for position in range(graph.InputsLength()):
        details = interpreter.get_input_details(position)
        zeros = np.zeros(details["shape"], details["dtype"])
        interpreter.set_input(zeros, position)
    interpreter.invoke()


def smallest(model: bytes) -> int | None:
    """The smallest multiple of STEP_BYTES that runs; None if none does."""
    enough = 4096
    while not runs(model, enough):
        if enough >= _LARGEST_BYTES:
            return None
        enough *= 2
    # Bisection over (too_small, enough], both multiples of STEP_BYTES.
    too_small = 0
    while enough - too_small > STEP_BYTES:
        middle = (too_small + enough) // (2 * STEP_BYTES) * STEP_BYTES
        if runs(model, middle):
            enough = middle
        else:
            too_small = middle
    return enough


if __name__ == "__main__":
    found = smallest(sys.stdin.buffer.read())
    if found is None:
        sys.exit(1)
    print(found)
