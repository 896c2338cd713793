"""Proves a bundle's firmware on emulated Cortex-M cores, and measures it.

usage: python -m benchmarks.device --bundle=build/demo --name=demo \
           --tflm=cortex-m4:reference:M4.a,cortex-m7:cmsis_nn:M7.a \
           --tflm_include=INCLUDE --tflm_version="..."
Each of --tflm is a board, whose kernels the library has, and the library. Writes
benchmarks/device/NAME.json: for each of them what the board printed (golden vectors,
blobs, thousands of instructions, arena and stack in bytes) and the flash beside the
model; sizes of the parts by the cross compiler's `size` for three cores and each set of
Unicode tables; sha256 of all sources and of the model. A test fails when a hand-written
source or a template is no longer the one that the record is about.
"""

import hashlib
import json
import pathlib
import sys
import tempfile

from absl import app, flags

import ei_bert_tf
from benchmarks._cortex_m import (
    BOARDS,
    CORES,
    Tflm,
    flash_bytes,
    part_sizes,
    run,
    version,
)
from benchmarks._digests import digest, written_digests
from ei_bert_tf.firmware import firmware_contents
from firmware_export.package import write_firmware
from firmware_export.unicode_tables import SETS

_BUNDLE = flags.DEFINE_string("bundle", None, "A finished bundle.", required=True)
_NAME = flags.DEFINE_string("name", None, "Name of the record.", required=True)
_TFLM = flags.DEFINE_list("tflm", [], "BOARD:KERNELS:LIBRARY, ...")
_INCLUDE = flags.DEFINE_list("tflm_include", [], "Folders of TFLM's headers.")
_DEFINES = flags.DEFINE_list("tflm_defines", [], "Macros that it was built with.")
_VERSION = flags.DEFINE_string("tflm_version", None, "Which TFLM it is.")
_RESULTS = pathlib.Path(__file__).parent / "device"


def board_result(
    firmware: pathlib.Path, board: str, kernels: str, library: str, model_bytes: int
) -> dict:
    """What a board prints with a TFLM, and what stands in flash beside models."""
    tflm = Tflm(_INCLUDE.value, [library], kernels == "cmsis_nn", _DEFINES.value)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        lines = run(firmware, folder, BOARDS[board], tflm)
        blob_bytes = (firmware / "ei_bert.blob").stat().st_size
        flash = flash_bytes(folder / "program.elf") - model_bytes - blob_bytes
    return {
        "board": board,
        "kernels": kernels,
        "library_sha256": digest(pathlib.Path(library)),
        "flash_beside_model_bytes": flash,
        "printed": [f"{name} {rest}".strip() for name, rest in lines if name],
    }


def main(_: list[str]) -> None:
    """Measures, and writes the record when every board has found no failure."""
    bundle = ei_bert_tf.Bundle.load(_BUNDLE.value)
    exported = {unicode: firmware_contents(bundle, unicode) for unicode in SETS}
    model = exported["full"].model
    result: dict = {
        "command": " ".join(["python", "-m", "benchmarks.device", *sys.argv[1:]]),
        "model_sha256": hashlib.sha256(model).hexdigest(),
        "model_bytes": len(model),
        "vocabulary_size": bundle.manifest["vocabulary_size"],
        "max_tokens": bundle.manifest["max_seq_length"],
        "tflm": _VERSION.value,
        "compiler": version("arm-none-eabi-gcc"),
        "emulator": version("qemu-system-arm"),
        "written": written_digests(),
        "sizes": {},
        "boards": [],
    }
    with tempfile.TemporaryDirectory() as temporary:
        for unicode in SETS:
            firmware = pathlib.Path(temporary) / unicode
            write_firmware(exported[unicode], firmware, "text")
            result["sizes"][unicode] = {
                core: part_sizes(firmware, chosen) for core, chosen in CORES.items()
            }
        firmware = pathlib.Path(temporary) / "full"
        result["generated"] = {
            path.relative_to(firmware).as_posix(): digest(path)
            for path in sorted(firmware.rglob("*.*"))
            if path.is_file()
        }
        for chosen in _TFLM.value:
            board, kernels, library = chosen.split(":", 2)
            found = board_result(firmware, board, kernels, library, len(model))
            result["boards"].append(found)
            print(board, kernels, *found["printed"], sep="\n  ", flush=True)
    _RESULTS.mkdir(exist_ok=True)
    unfinished = _RESULTS / f".{_NAME.value}.tmp"
    unfinished.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    unfinished.replace(_RESULTS / f"{_NAME.value}.json")


if __name__ == "__main__":
    app.run(main)
