"""How much RAM TFLM's tensor arena takes, measured with the interpreter itself."""

import pathlib
import subprocess
import sys

from ei_bert_tf.errors import InputError

PROBE = pathlib.Path(__file__).with_name("arena_probe.py")


def smallest_arena_bytes(model: bytes) -> int:
    """The smallest arena, a multiple of 16 bytes, in which the model runs once.

    Measured with the 64-bit interpreter of the host, an upper bound for the 32-bit
    device without scratch of optimized kernels.

    Raises:
        InputError: TFLM runs the model in no arena, for example for want of a kernel.
    """
    # -P: the folder of the probe must not shadow any module that it imports.
    done = subprocess.run(
        [sys.executable, "-P", str(PROBE)], input=model, capture_output=True
    )
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").split("\n")
        cause = next((line for line in reversed(lines) if line.strip()), "no message")
        raise InputError(f"arena: TFLM does not run the model: {cause.strip()}")
    return int(done.stdout)
