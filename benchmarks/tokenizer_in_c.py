"""Compares the tokenizer in C with the reference: its ids, and its speed.

usage: python -m benchmarks.tokenizer_in_c --texts=FOLDER --utterances=FILE.tsv
Equality is asked of every line and of every tab-separated part of a line of all files
of FOLDER, and of --random_texts strings of all kinds of code points and broken bytes.
Speed is that of the first 10,000 lines of FILE, first column, header left out: one
`encode_batch` of `tokenizers` on one thread against the C code on one thread, rounds of
the two interleaved. Writes benchmarks/speed/tokenizer.json.
"""

import json
import os
import pathlib
import random
import shlex
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import numpy as np
from absl import app, flags

from ei_bert_tf.composition import environment
from ei_bert_tf.text.builtin import builtin_model_folder
from ei_bert_tf.text.wordpiece import WordPiece
from firmware_export.contents import Contents
from firmware_export.package import write_firmware

_TEXTS = flags.DEFINE_string("texts", None, "Folder of text files.", required=True)
_UTTERANCES = flags.DEFINE_string("utterances", None, "Short texts.", required=True)
_RANDOM_TEXTS = flags.DEFINE_integer("random_texts", 1_000_000, "How many.")
_TOKENS, _TIMED, _ROUNDS, _AT_ONCE = 64, 10_000, 9, 20_000
_FOLDER = pathlib.Path(__file__).parent
_RESULT = _FOLDER / "speed" / "tokenizer.json"
_RANGES = (
    *((0x20, 0x7F), (0x00, 0x250), (0x250, 0xD800), (0xE000, 0x110000)),
    *((0x300, 0x370), (0x900, 0xE00), (0x1100, 0x1200), (0xA000, 0xD7A4)),
    *((0x1B00, 0x1B50), (0x1D100, 0x1D250), (0x1E00, 0x2070), (0x3020, 0x30A0)),
)


def _without_model(reference: WordPiece) -> Contents:
    """A firmware of which only the tokenizer is used."""
    return Contents(
        model=b"none",
        operators=[{"name": "ADD", "version": 1, "types": ["int8"]}],
        pieces=reference.pieces,
        labels=("none",),
        max_tokens=_TOKENS,
        pair=False,
        temperature=1.0,
        unknown_threshold=0.0,
        arena_bytes=0,
        golden=(),
    )


class Driver:
    """The compiled tokenizer_driver.c with the vocabulary of a reference."""

    def __init__(self, reference: WordPiece, folder: pathlib.Path):
        self._folder = folder
        self._program = folder / "driver"
        firmware = folder / "firmware"
        write_firmware(_without_model(reference), firmware)
        sources = [_FOLDER / "tokenizer_driver.c", *(firmware / "src").glob("*.c")]
        command = ["cc", "-std=c99", "-O2", f"-I{firmware / 'include'}"]
        command += [*map(str, sources), "-o", str(self._program)]
        subprocess.run(command, check=True)

    def tokenize(self, texts: list[bytes]) -> tuple[np.ndarray, float]:
        """ids int32 [N, T], and the seconds that they took."""
        read, written = self._folder / "texts", self._folder / "ids"
        parts = (struct.pack("<I", len(text)) + text for text in texts)
        read.write_bytes(b"".join(parts))
        printed = subprocess.run(
            [self._program, read, written, str(_TOKENS)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        ids = np.fromfile(written, np.int32).reshape(len(texts), _TOKENS)
        return ids, float(printed.split()[1])


def lines_and_parts(folder: pathlib.Path) -> Iterator[bytes]:
    """Each line of each file, and its parts between tabs, none twice in a file."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".tsv", ".txt", ".csv", ".jsonl"):
            found: dict[bytes, None] = {}
            for line in path.read_bytes().split(b"\n"):
                found |= dict.fromkeys([line, *line.split(b"\t")])
            yield from found


def random_texts(count: int, seed: int) -> Iterator[bytes]:
    """Strings of one to three ranges of code points, a third with broken bytes."""
    generator = random.Random(seed)
    for _ in range(count):
        ranges = generator.sample(_RANGES, generator.randrange(1, 4))
        codes = [
            generator.randrange(*generator.choice(ranges))
            for _ in range(generator.choice((1, 3, 10, 30, 120)))
        ]
        text = "".join(map(chr, codes)).encode("utf-8", "surrogatepass")
        if generator.random() < 0.33:
            broken = bytearray(text)
            for _ in range(1 + len(broken) // 8):
                broken[generator.randrange(len(broken))] = generator.randrange(256)
            text = bytes(broken)
        yield text


def differences(driver: Driver, reference: WordPiece, texts) -> tuple[int, int]:
    """How many texts were compared, and of how many the ids differ."""
    compared = different = 0
    texts = iter(texts)
    while some := [text for _, text in zip(range(_AT_ONCE), texts, strict=False)]:
        decoded = [text.decode("utf-8", "replace") for text in some]
        wanted = reference.encode(decoded, None, _TOKENS).ids
        found, _ = driver.tokenize(some)
        compared += len(some)
        different += int((wanted != found).any(axis=1).sum())
    return compared, different


def seconds_of_reference(reference: WordPiece, texts: list[str]) -> float:
    """Of one encode_batch, its ids as they come."""
    reference._tokenizer.enable_truncation(_TOKENS)
    start = time.process_time()
    reference._tokenizer.encode_batch(texts)
    return time.process_time() - start


def main(_: list[str]) -> None:
    """Compares, times, writes the result and prints it."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    reference = WordPiece.load(builtin_model_folder("minilm-l6") / "vocab.txt")
    lines = pathlib.Path(_UTTERANCES.value).read_text("utf-8").split("\n")[1:]
    texts = [line.split("\t")[0] for line in lines if line][:_TIMED]
    with tempfile.TemporaryDirectory() as temporary:
        driver = Driver(reference, pathlib.Path(temporary))
        ours, theirs = [], []
        for _ in range(_ROUNDS):
            ours.append(driver.tokenize([text.encode() for text in texts])[1])
            theirs.append(seconds_of_reference(reference, texts))
        in_files = differences(
            driver, reference, lines_and_parts(pathlib.Path(_TEXTS.value))
        )
        at_random = differences(driver, reference, random_texts(_RANDOM_TEXTS.value, 0))
    result = {
        "vocabulary_size": len(reference.pieces),
        "max_tokens": _TOKENS,
        "file_texts": in_files[0],
        "file_texts_that_differ": in_files[1],
        "random_texts": at_random[0],
        "random_texts_that_differ": at_random[1],
        "timed_texts": len(texts),
        "seconds_in_c": ours,
        "seconds_of_tokenizers": theirs,
        "ratio": statistics.median(theirs) / statistics.median(ours),
        "command": shlex.join(
            ["python", "-m", "benchmarks.tokenizer_in_c", *sys.argv[1:]]
        ),
        "environment": environment(),
    }
    temporary = _RESULT.with_suffix(".tmp")
    temporary.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    temporary.replace(_RESULT)
    for name in ("file_texts", "file_texts_that_differ", "random_texts"):
        print(name, result[name])
    print("random_texts_that_differ", result["random_texts_that_differ"])
    print("ratio", round(result["ratio"], 2))


if __name__ == "__main__":
    app.run(main)
