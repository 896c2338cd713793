"""The measured arena is the smallest: 16 bytes less do not run."""

import subprocess
import sys

import pytest

from ei_bert_tf.errors import InputError
from ei_bert_tf.evaluation.arena import PROBE, smallest_arena_bytes
from tests.tiny_models import tiny_tflite

_TRY_SIZES = """
import runpy, sys
model = sys.stdin.buffer.read()
probe = runpy.run_path(sys.argv[1])
print([probe["runs"](model, int(size)) for size in sys.argv[2:]])
"""


def _runs(model: bytes, *sizes: int) -> str:
    """Tries arenas outside of this process, whose threads must not be forked."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", _TRY_SIZES, str(PROBE), *map(str, sizes)],
        input=model,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


@pytest.mark.parametrize("pair", [False, True])
def test_sixteen_bytes_less_fail(pair, capfd):
    model = tiny_tflite(pair=pair)
    capfd.readouterr()
    arena_bytes = smallest_arena_bytes(model)
    assert capfd.readouterr() == ("", "")
    assert arena_bytes % 16 == 0
    assert _runs(model, arena_bytes - 16, arena_bytes) == "[False, True]"


def test_the_arena_is_the_same_every_time():
    assert smallest_arena_bytes(tiny_tflite()) == smallest_arena_bytes(tiny_tflite())


def test_an_arena_that_crashes_the_interpreter_is_survived():
    assert _runs(tiny_tflite(), 16, 65536) == "[False, True]"


def test_an_arena_above_the_first_guess_is_found():
    tokens = 200
    arena_bytes = smallest_arena_bytes(tiny_tflite(tokens=tokens))
    # The ids alone take 4 bytes a token, and so does the mask.
    assert arena_bytes > 2 * 4 * tokens
    assert arena_bytes > smallest_arena_bytes(tiny_tflite())


def test_a_model_that_never_runs_is_refused(capfd):
    model = tiny_tflite(activation="gelu")
    capfd.readouterr()
    with pytest.raises(InputError, match=r"arena: TFLM does not run .*GELU"):
        smallest_arena_bytes(model)
    assert capfd.readouterr() == ("", "")
