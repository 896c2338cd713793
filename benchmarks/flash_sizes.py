"""Measures the flash and the stack of the hand-written C on Cortex-M.

usage: python -m benchmarks.flash_sizes
The cross compiler's `size` of each part at -Os, for three cores. A model changes no
more of the code than a few constants, so a bundle's report takes it from here. Writes
firmware_export/flash.json, which the package brings along.
"""

import json
import pathlib
import tempfile
from typing import Any

from absl import app

from benchmarks._cortex_m import CORES, part_sizes, version
from benchmarks._digests import written_digests
from firmware_export.contents import Contents
from firmware_export.flash import RECORD
from firmware_export.package import write_firmware
from firmware_export.unicode_tables import SETS
from firmware_export.vocabulary import SPECIAL_PIECES

# What of a part's sources is code; `task` is data of a model.
CODE = ("tokenizer", "blob", "self_test", "names")


def some_contents(unicode: str) -> Contents:
    """Contents of no model, with limits as large as a student's."""
    return Contents(
        model=b"none",
        operators=[{"name": "ADD", "version": 1, "types": ["int8"]}],
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
    """Bytes of `code` by part, with the tokenizer's stack, and of `unicode_tables`."""
    found: dict[str, Any] = {"code": {}, "unicode_tables": {}}
    for unicode in SETS:
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary) / "firmware"
            write_firmware(some_contents(unicode), folder)
            parts = part_sizes(folder, CORES[core])
        for name, part in parts.items():
            if part["ram_bytes"]:
                raise AssertionError(f"{core}: {name} has static RAM")
        found["unicode_tables"][unicode] = parts["unicode_tables"]["flash_bytes"]
        code = {name: parts[name]["flash_bytes"] for name in CODE}
        code["tokenizer_stack"] = parts["tokenizer"]["stack_bytes"]
        if found["code"] not in ({}, code):
            raise AssertionError(f"{core}: the code depends on the Unicode tables")
        found["code"] = code
    return found


def main(_: list[str]) -> None:
    record = {
        "compiler": version("arm-none-eabi-gcc"),
        "optimization": "-Os",
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
