"""Measures what the firmware of a full vocabulary costs: flash, and compile time.

usage: python -m benchmarks.firmware_costs
For three cores and each set of Unicode tables, the bytes of tokenizer, tables and a
vocabulary of 6,000 pieces, by the cross compiler's `size` at -Os. The pieces are the
built-in teacher's first ones: special, single characters, the most frequent words;
what a minimal perfect hash would take at least stands beside them. And the
seconds that compilers take for a model of 1.91 MB as an array, in each form, the
median of rounds in which the forms take turns. Writes benchmarks/firmware/costs.json.
"""

import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from absl import app

from benchmarks._cortex_m import CORES, part_sizes, version
from ei_bert_tf.composition import environment
from ei_bert_tf.text.builtin import builtin_model_folder
from ei_bert_tf.text.wordpiece import WordPiece
from firmware_export.arrays import FORMS, model_sources
from firmware_export.contents import Contents
from firmware_export.package import write_firmware
from firmware_export.unicode_tables import SETS

_PIECES, _MODEL_BYTES, _ROUNDS = 6_000, 1_910_000, 5
_COUNTED = ("tokenizer", "unicode_tables", "vocabulary")
_COMPILERS = ("g++", "clang++", "arm-none-eabi-g++")
_RESULT = pathlib.Path(__file__).parent / "firmware" / "costs.json"


def pieces() -> list[str]:
    """The vocabulary that is measured."""
    vocabulary = builtin_model_folder("minilm-l6") / "vocab.txt"
    used = [p for p in WordPiece.load(vocabulary).pieces if "[unused" not in p]
    return used[:_PIECES]


def hash_bytes(vocabulary: list[str]) -> int:
    """What a minimal perfect hash beside the pieces' plain bytes takes at least.

    It finds a piece for strings that are none as well, so the pieces have to be there
    to be compared with, and each has its id, in 2 bytes. The function itself takes
    1 / ln 2 bits a piece or more (Mehlhorn 1984). Where each piece begins is left out.
    """
    text = sum(len(piece.removeprefix("##").encode()) for piece in vocabulary)
    return math.ceil(text + len(vocabulary) * (2 + 1 / math.log(2) / 8))


def flash(folder: pathlib.Path, unicode: str) -> dict:
    """Bytes by core of what a tokenizer needs, and of its stack."""
    contents = Contents(
        model=b"none",
        operators=[{"name": "ADD", "version": 1, "types": ["int8"]}],
        pieces=pieces(),
        labels=("none",),
        max_tokens=64,
        pair=False,
        temperature=1.0,
        unknown_threshold=0.0,
        arena_bytes=0,
        golden=(),
        unicode=unicode,
    )
    write_firmware(contents, folder, "text")
    found = {}
    for core, flags in CORES.items():
        parts = part_sizes(folder, flags)
        chosen = {part: parts[part]["flash_bytes"] for part in _COUNTED}
        found[core] = chosen | {
            "flash_bytes": sum(chosen.values()),
            "ram_bytes": sum(parts[part]["ram_bytes"] for part in _COUNTED),
            "stack_bytes": parts["tokenizer"]["stack_bytes"],
        }
    return found


def compile_seconds(folder: pathlib.Path) -> dict[str, dict[str, list[float]]]:
    """By compiler and form; random bytes are the worst case of a string literal."""
    model = np.random.default_rng(0).bytes(_MODEL_BYTES)
    forms = [form for form in FORMS if not form.startswith("object-")]
    for form in forms:
        for name, content in model_sources(model, form).items():
            path = folder / form / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(content), "utf-8")
    seconds: dict = {name: {form: [] for form in forms} for name in _COMPILERS}
    for _ in range(_ROUNDS):
        for name in _COMPILERS:
            for form in forms:
                command = [name, "-std=c++17", "-O2", f"-I{folder / form / 'include'}"]
                command += ["-c", str(folder / form / "src" / "model_data.cc")]
                start = time.perf_counter()
                subprocess.run([*command, "-o", str(folder / "data.o")], check=True)
                seconds[name][form].append(round(time.perf_counter() - start, 3))
    return seconds


def main(_: list[str]) -> None:
    """Measures, writes the record and prints what matters."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        seconds = compile_seconds(folder / "array")
        result = {
            "command": " ".join(["python", "-m", "benchmarks.firmware_costs"]),
            "pieces": _PIECES,
            "hash_bytes": hash_bytes(pieces()),
            "flash": {name: flash(folder / name, name) for name in SETS},
            "array_bytes": _MODEL_BYTES,
            "compile_seconds": seconds,
            "median_compile_seconds": {
                name: {form: statistics.median(row) for form, row in rows.items()}
                for name, rows in seconds.items()
            },
            "compilers": {name: version(name) for name in _COMPILERS},
            "environment": environment(),
        }
    _RESULT.parent.mkdir(exist_ok=True)
    unfinished = _RESULT.with_suffix(".tmp")
    unfinished.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    unfinished.replace(_RESULT)
    for name, cores in result["flash"].items():
        for core, found in cores.items():
            print(name, core, found["flash_bytes"], "bytes of flash")
    json.dump(result["median_compile_seconds"], sys.stdout, indent=1)


if __name__ == "__main__":
    app.run(main)
