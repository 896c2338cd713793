"""Runs the example on an emulated board and writes what was said and switched.

usage: python -m examples.firmware_blinky_intent.run_in_qemu --bundle=build/home \
           --tflm=LIBRARY --tflm_include=FOLDER
LIBRARY is a TensorFlow Lite Micro that was built for the board. The lines of said.txt
go to the board's serial line; what the board writes goes to transcript.json, beside the
digests of what it ran.
"""

import hashlib
import json
import pathlib
import shlex
import sys
import tempfile

from absl import app, flags

import ei_bert_tf
from benchmarks._cortex_m import BOARDS, Tflm, build, emulate
from ei_bert_tf.firmware import firmware_contents
from firmware_export.package import write_firmware

_BUNDLE = flags.DEFINE_string("bundle", None, "A finished bundle.", required=True)
_BOARD = flags.DEFINE_enum("board", "cortex-m7", list(BOARDS), "The core.")
_TFLM = flags.DEFINE_string("tflm", None, "A static library.", required=True)
_INCLUDE = flags.DEFINE_list("tflm_include", None, "Its headers.", required=True)
_CMSIS_NN = flags.DEFINE_bool("cmsis_nn", False, "Whether its kernels are CMSIS-NN's.")
_DEFINES = flags.DEFINE_list("tflm_defines", [], "Macros that it was built with.")
_VERSION = flags.DEFINE_string("tflm_version", None, "Which TFLM it is.")
_MODULE = "examples.firmware_blinky_intent.run_in_qemu"
_HERE = pathlib.Path(__file__).parent
TRANSCRIPT = _HERE / "transcript.json"
END_OF_TRANSMISSION = b"\x04"


def sources() -> list[pathlib.Path]:
    """The program: the house, what listens to it, and the board's main file."""
    return [_HERE / "house.c", _HERE / "blinky.c", _HERE / "qemu" / "main.c"]


def digests() -> dict[str, str]:
    """sha256 of every file that the transcript depends on, firmware and TFLM aside."""
    paths = [*sources(), *_HERE.glob("*.h"), _HERE / "said.txt"]
    return {
        path.relative_to(_HERE).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(paths)
    }


def main(_: list[str]) -> None:
    """Builds, runs and writes the transcript."""
    bundle = ei_bert_tf.Bundle.load(_BUNDLE.value)
    tflm = Tflm(_INCLUDE.value, [_TFLM.value], _CMSIS_NN.value, _DEFINES.value)
    said = (_HERE / "said.txt").read_bytes() + END_OF_TRANSMISSION
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        firmware = folder / "firmware"
        write_firmware(firmware_contents(bundle), firmware, "text")
        board = BOARDS[_BOARD.value]
        program = build(firmware, folder, board, tflm, sources())
        printed = emulate(program, board, said)
    result = {
        "command": shlex.join(["python", "-m", _MODULE, *sys.argv[1:]]),
        "board": _BOARD.value,
        "tflm": _VERSION.value,
        "model_sha256": hashlib.sha256(bundle.model).hexdigest(),
        "model_bytes": len(bundle.model),
        "test_accuracy": bundle.manifest["stages"][-1]["value"],
        "labels": list(bundle.task.labels),
        "sources": digests(),
        "printed": printed.splitlines(),
    }
    unfinished = TRANSCRIPT.with_suffix(".tmp")
    unfinished.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    unfinished.replace(TRANSCRIPT)
    print(printed)


if __name__ == "__main__":
    app.run(main)
