"""Measures the flash and the stack of the hand-written C on Cortex-M.

usage: python -m benchmarks.flash_sizes --tflm_include=INCLUDE --tflm_version="..."
The cross compiler's `size` of each part at -Os, for three cores. A model changes no
more of the code than a few constants, so a bundle's report takes it from here. The
classifier in C++ needs the headers of a release build of TFLM; its part has the
operators of a student, and not TFLM itself. Writes
firmware_export/flash.json, which the package brings along.
"""

import json
import pathlib
import tempfile
from typing import Any

from absl import app, flags

from benchmarks._cortex_m import CORES, Tflm, part_sizes, version
from benchmarks._digests import written_digests
from firmware_export.contents import Contents
from firmware_export.flash import RECORD
from firmware_export.package import write_firmware
from firmware_export.unicode_tables import SETS
from firmware_export.vocabulary import SPECIAL_PIECES

_INCLUDE = flags.DEFINE_list(
    "tflm_include", None, "Folders of TFLM's headers.", required=True
)
_VERSION = flags.DEFINE_string("tflm_version", None, "Which TFLM.", required=True)
_RELEASE = ("NDEBUG", "TF_LITE_STRIP_ERROR_STRINGS")
# What of a part's sources is code; `task` is data of a model.
CODE = ("tokenizer", "blob", "self_test", "names", "classifier")
# Of a student of single texts and of pairs.
_OPERATORS = (
    *("ADD", "CONCATENATION", "FULLY_CONNECTED", "GATHER", "MUL", "RESHAPE", "RSQRT"),
    *("SOFTMAX", "SPLIT", "STRIDED_SLICE", "SUB", "TANH", "TRANSPOSE"),
)


def some_contents(unicode: str) -> Contents:
    """Contents of no model, with limits as large as a student's."""
    return Contents(
        model=b"none",
        operators=[
            {"name": name, "version": 1, "types": ["int8"]} for name in _OPERATORS
        ],
        pieces=[*SPECIAL_PIECES, "a"],
        labels=("none",),
        max_tokens=64,
        pair=False,
        temperature=1.0,
        unknown_threshold=0.0,
        arena_bytes=100_000,
        golden=(),
        unicode=unicode,
    )


def measured(core: str) -> dict[str, Any]:
    """Bytes of `code` by part, with the tokenizer's stack and the classifier's static
    RAM, and of `unicode_tables`."""
    tflm = Tflm(_INCLUDE.value, [], defines=_RELEASE)
    found: dict[str, Any] = {"code": {}, "unicode_tables": {}}
    for unicode in SETS:
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary) / "firmware"
            write_firmware(some_contents(unicode), folder)
            parts = part_sizes(folder, CORES[core], tflm)
        for name, part in parts.items():
            if part["ram_bytes"] and name != "classifier":
                raise AssertionError(f"{core}: {name} has static RAM")
        found["unicode_tables"][unicode] = parts["unicode_tables"]["flash_bytes"]
        code = {name: parts[name]["flash_bytes"] for name in CODE}
        code["tokenizer_stack"] = parts["tokenizer"]["stack_bytes"]
        code["classifier_ram"] = parts["classifier"]["ram_bytes"]
        if found["code"] not in ({}, code):
            raise AssertionError(f"{core}: the code depends on the Unicode tables")
        found["code"] = code
    return found


def main(_: list[str]) -> None:
    record = {
        "compiler": version("arm-none-eabi-gcc"),
        "optimization": "-Os",
        "tflm": _VERSION.value,
        "sources": written_digests(),
        "cores": {core: measured(core) for core in CORES},
    }
    temporary = RECORD.with_suffix(".tmp")
    temporary.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    temporary.replace(RECORD)
    for core, sizes in record["cores"].items():
        print(core, sizes["code"], sizes["unicode_tables"])


if __name__ == "__main__":
    app.run(main)
