#!/usr/bin/env python3
"""Classifies texts with the model beside it.

It prints a line a text, label<TAB>probability<TAB>text. The texts are arguments, or
lines of the standard input. A pair is one argument or line with a tab between its
texts. A tab or newline in a text is printed as \\t or \\n. For a model of numbers the
number stands in the label's place and the probability is empty.

It needs Python 3.9 or later, numpy below 2 and tflite-runtime, or ai-edge-litert with
any numpy, and of this folder model.tflite, task.json and unicode.json.
"""

from __future__ import annotations

import argparse
import bisect
import importlib
import json
import os
import pathlib
import struct
import sys
import zipfile
from collections.abc import Iterable, Iterator

_FOLDER = pathlib.Path(__file__).resolve().parent
_INTERPRETERS = ("tflite_runtime.interpreter", "ai_edge_litert.interpreter")
# A longer word is unknown, as in the tokenizer of the training.
_WORD_CHARACTERS = 100
# The kinds of runs in unicode.json; what lies in none is a letter.
_LETTER, _DROP, _BARRIER, _SPACE, _ALONE = range(5)


class Refusal(Exception):
    """Input that can't be used; its message is one line."""


class Tokenizer:
    """Uncased WordPiece, with the ids of the training's tokenizer for any text.

    Args:
        pieces: the vocabulary in id order.
        tables: what unicode.json holds.
    """

    def __init__(self, pieces: list[str], tables: dict[str, list[list[int]]]):
        self._ids = {piece: number for number, piece in enumerate(pieces)}
        self._runs = tables["runs"]
        self._starts = [run[0] for run in self._runs]
        self._becomes = {code: targets for code, *targets in tables["sequences"]}
        for first, *targets in tables["mapped"]:
            for place, target in enumerate(targets):
                self._becomes[first + place] = [target]
        self._hangul = tables["hangul"][0]

    def encode(
        self, text: str, pair: str | None, max_tokens: int
    ) -> tuple[list[int], int]:
        """The ids without padding, and where the second text begins.

        Pairs are cut `longest_first`: what is longer gives first, and where both are
        too long each gets half, the longer one the odd token.
        """
        first = self._pieces(text)
        if pair is None:
            first = first[: max_tokens - 2]
            tokens = ["[CLS]", *first, "[SEP]"]
            return [self._ids[token] for token in tokens], len(tokens)
        second = self._pieces(pair)
        room = max_tokens - 3
        low, high = sorted((len(first), len(second)))
        if low + high > room:
            high = max(low, room - low)
            if low + high > room:
                low, high = room // 2, room - room // 2
        swapped = len(first) > len(second)
        first = first[: high if swapped else low]
        second = second[: low if swapped else high]
        tokens = ["[CLS]", *first, "[SEP]", *second, "[SEP]"]
        return [self._ids[token] for token in tokens], len(first) + 2

    def words(self, text: str) -> Iterator[str]:
        """The words of a text, in lower case and without accents."""
        word: list[tuple[int, int]] = []  # Code points and their ranks as marks.
        sortable = 0  # Marks move no further to the front than this.
        for code in self._mapped(text):
            kind, rank = self._kind(code)
            if kind == _BARRIER:
                sortable = len(word)
            elif kind in (_SPACE, _ALONE):
                if word:
                    yield "".join(chr(code) for code, _ in word)
                if kind == _ALONE:
                    yield chr(code)
                word, sortable = [], 0
            elif kind != _DROP:
                place = len(word)
                while rank and place > sortable and word[place - 1][1] > rank:
                    place -= 1
                word.insert(place, (code, rank))
        if word:
            yield "".join(chr(code) for code, _ in word)

    def _mapped(self, text: str) -> Iterator[int]:
        first, last = self._hangul
        for character in text:
            code = ord(character)
            if first <= code <= last:
                place = code - first
                yield 0x1100 + place // 588
                yield 0x1161 + place % 588 // 28
                if place % 28:
                    yield 0x11A7 + place % 28
            else:
                yield from self._becomes.get(code, (code,))

    def _kind(self, code: int) -> tuple[int, int]:
        """The kind of a code point and its rank as a mark."""
        place = bisect.bisect_right(self._starts, code) - 1
        if place >= 0 and code <= self._runs[place][1]:
            return self._runs[place][2], self._runs[place][3]
        return _LETTER, 0

    def _pieces(self, text: str) -> list[str]:
        return [piece for word in self.words(text) for piece in self._split(word)]

    def _split(self, word: str) -> list[str]:
        """The pieces of a word, always the longest that fits."""
        found: list[str] = []
        start = 0
        while start < len(word) <= _WORD_CHARACTERS:
            prefix = "##" if start else ""
            for end in range(len(word), start, -1):
                piece = prefix + word[start:end]
                if piece in self._ids:
                    found.append(piece)
                    start = end
                    break
            else:
                break
        return found if start == len(word) else ["[UNK]"]


class Classifier:
    """The model of a folder.

    Args:
        folder: with model.tflite, task.json and unicode.json.

    Raises:
        Refusal: a file is missing or broken, or no interpreter is installed.
    """

    def __init__(self, folder: pathlib.Path = _FOLDER):
        # numpy comes with the interpreter, and its absence is the same refusal.
        interpreter = _interpreter()
        self._numpy = importlib.import_module("numpy")
        path = folder / "model.tflite"
        try:
            model = path.read_bytes()
            with zipfile.ZipFile(path) as archive:
                pieces = archive.read("vocab.txt").decode("utf-8").split("\n")[:-1]
            self.task = json.loads((folder / "task.json").read_text("utf-8"))
            tables = json.loads((folder / "unicode.json").read_text("utf-8"))
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise Refusal(f"{folder}: {error}; the whole folder is needed") from error
        self.tokenizer = Tokenizer(pieces, tables)
        self._interpreter = interpreter(
            model_content=ending_with_logits(model, self.task["added_operators"])
        )
        self._interpreter.allocate_tensors()
        self._inputs = {
            detail["name"]: detail["index"]
            for detail in self._interpreter.get_input_details()
        }
        (self._output,) = self._interpreter.get_output_details()
        self.max_tokens = int(self._interpreter.get_input_details()[0]["shape"][1])

    def classify(self, text: str, pair: str | None = None) -> dict[str, object]:
        """The answer for a text.

        Returns:
            `label` and `probability`, None for a model of numbers; `value`, None for
            the others; `ids` without padding; `logits`.

        Raises:
            Refusal: a pair where the model takes single texts or the other way round.
        """
        if (pair is not None) != self.task["pair"]:
            wanted = "pairs of texts" if self.task["pair"] else "single texts"
            raise Refusal(f"the model takes {wanted}")
        ids, boundary = self.tokenizer.encode(text, pair, self.max_tokens)
        logits = self._run(ids, boundary)
        answer = {"label": None, "probability": None, "value": None, "ids": ids}
        answer["logits"] = logits.tolist()
        if not self.task["labels"]:
            return {**answer, "value": float(logits[0])}
        scaled = logits.astype(self._numpy.float64) / self.task["temperature"]
        shares = self._numpy.exp(scaled - scaled.max())
        shares = shares / shares.sum()
        label = self.task["labels"][int(shares.argmax())]
        if shares.max() < self.task["unknown_threshold"]:
            label = self.task["unknown_label"]
        return {**answer, "label": label, "probability": float(shares.max())}

    def _run(self, ids: list[int], boundary: int):
        """float32 [classes]."""
        numpy = self._numpy
        places = numpy.arange(self.max_tokens)
        inputs = {
            "ids": [*ids, *[0] * (self.max_tokens - len(ids))],
            "mask": places < len(ids),
            "segment_ids": (places >= boundary) & (places < len(ids)),
        }
        for name, values in inputs.items():
            row = numpy.asarray(values, numpy.int32)[None]
            self._interpreter.set_tensor(self._inputs[name], row)
        self._interpreter.invoke()
        logits = self._interpreter.get_tensor(self._output["index"])[0]
        scale, zero_point = self._output["quantization"]
        return (logits.astype(numpy.float32) - zero_point) * numpy.float32(scale)


def ending_with_logits(model: bytes, added_operators: int) -> bytes:
    """The model without its last operators, which make probabilities of its logits.

    Those are multiples of 1/256, so that less likely classes look alike and a
    threshold is missed by as much; the logits know better. The file is a FlatBuffer of
    TensorFlow Lite's schema: what changes is the length of the list of operators and
    the one number in the list of outputs.
    """
    data = bytearray(model)

    def number(place: int) -> int:
        return struct.unpack_from("<I", data, place)[0]

    def target(place: int) -> int:
        return place + number(place)

    def field(table: int, index: int) -> int:
        """Where a field of a table lies."""
        layout = table - struct.unpack_from("<i", data, table)[0]
        return table + struct.unpack_from("<H", data, layout + 4 + 2 * index)[0]

    def items(table: int, index: int) -> int:
        """Where a list that is a field of a table begins, with its length."""
        return target(field(table, index))

    model_table = target(0)
    graph = target(items(model_table, 2) + 4)
    outputs, operators = items(graph, 2), items(graph, 3)
    left = number(operators) - added_operators
    first_added = target(operators + 4 + 4 * left)
    logits = number(items(first_added, 1) + 4)
    struct.pack_into("<I", data, operators, left)
    struct.pack_into("<I", data, outputs + 4, logits)
    return bytes(data)


def _interpreter():
    """The class Interpreter of the first package that is there."""
    for name in _INTERPRETERS:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        numpy = importlib.import_module("numpy").__version__
        if name.startswith("tflite_runtime") and int(numpy.split(".")[0]) > 1:
            raise Refusal(
                f"tflite-runtime fails with numpy {numpy}; accepted: pip install "
                "'numpy<2', or ai-edge-litert in place of tflite-runtime"
            )
        return module.Interpreter
    raise Refusal("no interpreter; accepted: pip install tflite-runtime 'numpy<2'")


def _rows(lines: Iterable[bytes]) -> Iterator[list[str]]:
    """Texts, or pairs at a tab, of bytes."""
    for number, line in enumerate(lines, start=1):
        row = line.decode("utf-8", "replace").split("\t")
        if len(row) > 2:
            raise Refusal(
                f"text {number} has {len(row) - 1} tabs; accepted: none, or one "
                "between the two texts of a pair"
            )
        yield row


def _json_rows(lines: Iterable[bytes]) -> Iterator[list[str]]:
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not (
            isinstance(row, list)
            and len(row) in (1, 2)
            and all(isinstance(text, str) for text in row)
        ):
            raise Refusal(f"line {number}: accepted: a JSON list of one or two texts")
        yield row


def _printed(row: list[str], answer: dict[str, object]) -> str:
    if answer["value"] is not None:
        start = f"{answer['value']:.6g}\t"
    else:
        start = f"{answer['label']}\t{answer['probability']:.6f}"
    text = "\t".join(row).replace("\t", "\\t").replace("\n", "\\n")
    return f"{start}\t{text}"


def main() -> int:
    """Prints a line for each text; returns the exit status."""
    description, more = __doc__.split("\n", 1)
    parser = argparse.ArgumentParser(
        description=description,
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("text", nargs="*", metavar="TEXT")
    parser.add_argument(
        "--json",
        action="store_true",
        help="for programs: each line of the standard input is a JSON list of one text "
        "or two, each line printed a JSON object with ids and logits as well",
    )
    arguments = parser.parse_args()
    if arguments.json and arguments.text:
        parser.error("--json reads the standard input and takes no TEXT")
    given = (line.rstrip(b"\r\n") for line in sys.stdin.buffer)
    if arguments.text:
        given = (os.fsencode(text) for text in arguments.text)
    rows = _json_rows(given) if arguments.json else _rows(given)
    try:
        classifier = Classifier()
        for row in rows:
            answer = classifier.classify(*row)
            line = json.dumps(answer) if arguments.json else _printed(row, answer)
            sys.stdout.buffer.write(line.encode("utf-8", "replace") + b"\n")
            sys.stdout.buffer.flush()
    except Refusal as refusal:
        print(f"{pathlib.Path(__file__).stem}: {refusal}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
