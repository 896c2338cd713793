"""Fuzzes the tokenizer and the blob parser for long, and writes what came of it.

usage: python -m benchmarks.fuzz --seconds=600
libFuzzer with ASan and UBSan, from the corpus in tests/c/corpus. Writes
benchmarks/firmware/fuzz.json when nothing was found; an input that fails is left in the
current folder, and the exit status is not 0.
"""

import json
import pathlib
import tempfile

from absl import app, flags

from benchmarks._cortex_m import version
from benchmarks._digests import written_digests
from ei_bert_tf.composition import environment
from tests.fuzzing import TARGETS, fuzz

_SECONDS = flags.DEFINE_integer("seconds", 600, "For each target.", lower_bound=1)
_RESULT = pathlib.Path(__file__).parent / "firmware" / "fuzz.json"


def main(_: list[str]) -> None:
    """Runs the targets one after the other."""
    found = {}
    for target in TARGETS:
        with tempfile.TemporaryDirectory() as temporary:
            found[target] = fuzz(target, _SECONDS.value, pathlib.Path(temporary))
        print(target, found[target], flush=True)
    result = {
        "command": f"python -m benchmarks.fuzz --seconds={_SECONDS.value}",
        "seconds": _SECONDS.value,
        "findings": 0,
        "targets": found,
        "compiler": version("clang"),
        "written": written_digests(),
        "environment": environment(),
    }
    _RESULT.parent.mkdir(exist_ok=True)
    unfinished = _RESULT.with_suffix(".tmp")
    unfinished.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    unfinished.replace(_RESULT)


if __name__ == "__main__":
    app.run(main)
