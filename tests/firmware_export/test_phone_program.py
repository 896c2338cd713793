"""The program for small computers, run with ai-edge-litert in place of tflite-runtime.

T tokens. test_phone_environments.py runs it with tflite-runtime itself.
"""

import dataclasses
import json
import random

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from ei_bert_tf.evaluation.calibration import probabilities
from ei_bert_tf.evaluation.runtimes import open_runtime
from ei_bert_tf.text.builtin import builtin_model_folder
from ei_bert_tf.text.wordpiece import SPECIAL_PIECES, WordPiece
from firmware_export.golden import golden_texts
from firmware_export.phone import write_phone
from firmware_export.unicode_listing import LISTING, listing
from firmware_export.unicode_probe import probe
from tests.phone_program import load_program, run_phone
from tests.real_contents import real_contents
from tests.tiny_models import TOKENS
from tests.tokenizer_texts import CHARACTERS, random_mark_texts, random_text

TABLES = json.loads(LISTING.read_text("utf-8"))


@pytest.fixture(scope="module")
def program():
    return load_program(LISTING.parent)


@pytest.fixture(scope="module")
def reference() -> WordPiece:
    return WordPiece.load(builtin_model_folder("minilm-l6") / "vocab.txt")


@pytest.fixture(scope="module")
def tokenizer(program, reference):
    return program.Tokenizer(reference.pieces, TABLES)


@pytest.fixture(scope="module", params=[(2, False), (3, True), (1, False), (1, True)])
def task(request, tmp_path_factory):
    """Contents, and their phone folder."""
    contents = real_contents(*request.param)
    if not contents.is_regression:
        contents = dataclasses.replace(contents, unknown_label="caf\u00e9?")
    folder = tmp_path_factory.mktemp("task") / "phone"
    write_phone(contents, folder)
    return contents, folder


def difference(tokenizer, reference, texts, pairs, max_tokens):
    """The first text, with its pair, of which the program makes something else."""
    expected = reference.encode(texts, pairs, max_tokens)
    for row, text in enumerate(texts):
        pair = None if pairs is None else pairs[row]
        ids, boundary = tokenizer.encode(text, pair, max_tokens)
        length = expected.lengths[row]
        segment_ids = [int(boundary <= k < length) for k in range(max_tokens)]
        if (
            ids != expected.ids[row][:length].tolist()
            or segment_ids != expected.segment_ids[row].tolist()
        ):
            return text, pair, ids, expected.ids[row].tolist()
    return None


def random_texts(seed, count):
    generator = random.Random(seed)
    return [random_text(generator).decode("utf-8", "replace") for _ in range(count)]


@pytest.mark.slow
def test_the_tables_are_what_the_reference_does():
    assert listing(probe()) == LISTING.read_text("utf-8")


@pytest.mark.slow
def test_every_code_point(program, reference):
    tokenizer = program.Tokenizer(reference.pieces, TABLES)
    inner = reference._tokenizer
    for code in range(0x110000):
        if not 0xD800 <= code < 0xE000:
            text = f"a{chr(code)}b"
            normal = inner.normalizer.normalize_str(text)
            words = [word for word, _ in inner.pre_tokenizer.pre_tokenize_str(normal)]
            assert list(tokenizer.words(text)) == words, hex(code)


@pytest.mark.parametrize("max_tokens", [2, 3, 8, 64, 512])
def test_random_texts(tokenizer, reference, max_tokens):
    texts = random_texts(max_tokens, 2000)
    assert difference(tokenizer, reference, texts, None, max_tokens) is None


@pytest.mark.parametrize("max_tokens", [3, 4, 5, 8, 64, 65])
def test_random_pairs(tokenizer, reference, max_tokens):
    texts, pairs = (random_texts(max_tokens + more, 1000) for more in (0, 1000))
    assert difference(tokenizer, reference, texts, pairs, max_tokens) is None


@hypothesis.given(st.lists(st.text() | st.binary(), min_size=1, max_size=20))
@hypothesis.settings(
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
def test_any_texts(tokenizer, reference, texts):
    decoded = [
        (text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        for text in texts
    ]
    decoded = [text.decode("utf-8", "replace") for text in decoded]
    assert difference(tokenizer, reference, decoded, None, 32) is None


@pytest.mark.parametrize("length", [99, 100, 101, 5000])
def test_long_words(tokenizer, reference, length):
    texts = ["a" * length, "é" * length, "x " + "-" * length]
    texts.append("a\u302f\u1b44" * length)
    assert difference(tokenizer, reference, texts, None, 256) is None


def test_single_characters_and_the_order_of_marks(program):
    """Every character is a piece, so that none hides in an [UNK]."""
    pieces = [*SPECIAL_PIECES, *CHARACTERS, *(f"##{text}" for text in CHARACTERS)]
    tokenizer = program.Tokenizer(pieces, TABLES)
    texts = random_mark_texts()
    assert difference(tokenizer, WordPiece(pieces), texts, None, 32) is None


def test_golden_texts(tokenizer, reference):
    texts = [text.decode("utf-8", "replace") for text in golden_texts(16, ())]
    assert difference(tokenizer, reference, texts, None, 16) is None
    assert difference(tokenizer, reference, texts, texts[::-1], 16) is None


def test_answers_are_those_of_litert(task):
    contents, folder = task
    classifier = load_program(folder).Classifier()
    texts = ["on", "off offs", "", "x on \ufffd", "\u00f6n off off off off off"]
    texts += random_texts(7, 60)
    pairs = texts[::-1] if contents.pair else None
    encoded = WordPiece(contents.pieces).encode(texts, pairs, TOKENS)
    engine = open_runtime("litert", contents.model)
    values = engine.dequantize(engine.logits(encoded))
    unknown = 0
    for row, text in enumerate(texts):
        answer = classifier.classify(text, *([pairs[row]] if pairs else []))
        assert answer["ids"] == encoded.ids[row][: encoded.lengths[row]].tolist()
        assert answer["logits"] == values[row].tolist()
        if contents.is_regression:
            assert answer["value"] == values[row][0]
            assert answer["label"] is None and answer["probability"] is None
            continue
        (shares,) = probabilities(values[row : row + 1], contents.temperature)
        assert answer["probability"] == pytest.approx(shares.max(), abs=1e-12)
        label = contents.labels[shares.argmax()]
        if shares.max() < contents.unknown_threshold:
            label, unknown = "caf\u00e9?", unknown + 1
        assert answer["label"] == label
        assert answer["value"] is None
    assert contents.is_regression or 0 < unknown < len(texts)


def test_the_added_operators_are_cut_off(task):
    contents, folder = task
    model = (folder / "model.tflite").read_bytes()
    program = load_program(folder)
    engine = program.Classifier()._interpreter
    (output,) = engine.get_output_details()
    assert output["dtype"] is np.int8
    added = 1 if contents.is_regression else 2
    cut = program.ending_with_logits(model, added)
    assert sum(a != b for a, b in zip(model, cut, strict=True)) <= 8
    names = [detail["op_name"] for detail in engine._get_ops_details()]
    assert "SOFTMAX" not in names and "DEQUANTIZE" not in names


def test_the_program_prints_what_predict_prints(task):
    contents, folder = task
    texts = ["on", "o\u00f6n\\t", "x"]
    rows = [f"{text}\t{text} x" if contents.pair else text for text in texts]
    done = run_phone(folder, *(row.encode() for row in rows), b"--", b"-x\ty"[:2])
    if contents.pair:
        assert done.returncode == 1  # The last one is no pair.
        assert b"the model takes pairs of texts" in done.stderr
        done = run_phone(folder, *(row.encode() for row in rows))
    lines = done.stdout.decode().splitlines()
    classifier = load_program(folder).Classifier()
    for line, row in zip(lines, rows, strict=False):
        answer = classifier.classify(*row.split("\t"))
        first, second, text = line.split("\t")
        assert text == row.replace("\t", "\\t")
        if contents.is_regression:
            assert (first, second) == (f"{answer['value']:.6g}", "")
        else:
            assert first == answer["label"]
            assert second == f"{answer['probability']:.6f}"
    assert len(lines) == len(rows) + (not contents.pair)
    again = run_phone(folder, given="".join(f"{row}\r\n" for row in rows).encode())
    assert again.stdout.splitlines() == done.stdout.splitlines()[: len(rows)]


def test_broken_bytes_are_read_as_the_tokenizer_of_the_training_reads_them(tmp_path):
    contents = dataclasses.replace(real_contents(2, False), unknown_label="?")
    write_phone(contents, tmp_path / "phone")
    for given in ({"given": b"on \xff \xc3(\n"}, {"arguments": [b"on \xff \xc3("]}):
        arguments = given.pop("arguments", [])
        done = run_phone(tmp_path / "phone", *arguments, **given)
        assert done.returncode == 0, done.stderr
        assert done.stdout.decode().rstrip("\n").split("\t")[2] == "on \ufffd \ufffd("


def test_json_lines(task):
    contents, folder = task
    texts = ["on\n\tx", "\u00f6\u2028\U0001f600"]
    rows = [[text, "x"] if contents.pair else [text] for text in texts]
    given = "".join(json.dumps(row) + "\n" for row in rows).encode()
    done = run_phone(folder, "--json", given=given)
    classifier = load_program(folder).Classifier()
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers == [classifier.classify(*row) for row in rows]


def refusal(folder, *arguments, given=b""):
    done = run_phone(folder, *arguments, given=given)
    assert done.returncode == 1
    (line,) = [
        line
        for line in done.stderr.decode().splitlines()
        if not line.startswith(("INFO:", "WARNING:"))
    ]
    assert line.startswith("predict_tflite_runtime: ")
    return line


def test_refusals(tmp_path):
    folder = tmp_path / "phone"
    contents = dataclasses.replace(real_contents(2, False), unknown_label="?")
    write_phone(contents, folder)
    assert "the model takes single texts" in refusal(folder, "on\toff")
    assert "text 1 has 2 tabs" in refusal(folder, given=b"a\tb\tc\n")
    for line in (b"on\n", b'"on"\n', b'["a", "b", "c"]\n', b"[1]\n", b"[]\n"):
        assert "line 1: accepted: a JSON list" in refusal(folder, "--json", given=line)
    for name in ("unicode.json", "task.json", "model.tflite"):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])
        assert "the whole folder is needed" in refusal(folder, "on")
        (folder / name).unlink()
        assert "the whole folder is needed" in refusal(folder, "on")
        (folder / name).write_bytes(content)
    assert run_phone(folder, "on").returncode == 0
