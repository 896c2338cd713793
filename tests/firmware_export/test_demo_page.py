"""The demo page: what is in its folder, and its tokenizer in JavaScript."""

import base64
import hashlib
import json
import random
import re
import subprocess

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from ei_bert_tf.evaluation.runtimes import open_runtime
from ei_bert_tf.text.builtin import builtin_model_folder
from ei_bert_tf.text.wordpiece import WordPiece
from firmware_export.demo_page import demo_page_files, write_demo_page
from firmware_export.golden import golden_texts
from firmware_export.unicode_listing import LISTING
from tests.exported import read
from tests.programs import ROOT
from tests.real_contents import real_contents
from tests.tiny_models import tiny_encoded
from tests.tokenizer_texts import random_mark_texts, random_text

RUNTIME = {"core/dist/index.js": b"export {};"}
WRITTEN = ("LICENSE", "classifier.js", "index.html", "page.js", "style.css")
WRITTEN += ("text_normalizer.js", "wordpiece.js")


def test_the_folder_has_all_that_the_page_asks_for(tmp_path):
    contents = real_contents(5, True)
    write_demo_page(contents, RUNTIME, tmp_path / "page")
    files = read(tmp_path / "page")
    given = ("labels.txt", "model.tflite", "task.json", "unicode.json", "vocab.txt")
    assert set(files) == {*WRITTEN, *given, "runtime/core/dist/index.js"}
    assert files["vocab.txt"].decode().split("\n") == [*contents.pieces, ""]
    assert files["labels.txt"].decode().split("\n") == [*contents.labels, ""]
    assert json.loads(files["task.json"]) == {
        "pair": True,
        "max_tokens": contents.max_tokens,
        "temperature": contents.temperature,
        "unknown_threshold": contents.unknown_threshold,
        "unknown_label": None,
    }


def test_the_same_contents_give_the_same_bytes():
    first, second = (demo_page_files(real_contents(2, False), RUNTIME) for _ in "ab")
    assert first == second


def test_an_older_page_is_replaced_another_folder_is_refused(tmp_path):
    folder = tmp_path / "page"
    write_demo_page(real_contents(2, False), RUNTIME, folder)
    (folder / "stale").write_text("")
    write_demo_page(real_contents(1, False), RUNTIME, folder)
    assert not (folder / "stale").exists()
    (folder / "page.js").unlink()
    with pytest.raises(ValueError, match="is no demo page"):
        write_demo_page(real_contents(2, False), RUNTIME, folder)


@pytest.mark.parametrize(("outputs", "pair"), [(2, False), (3, True), (1, True)])
def test_the_models_float_logits_are_the_int8_ones(outputs, pair):
    contents = real_contents(outputs, pair)
    model = demo_page_files(contents, RUNTIME)["model.tflite"]
    encoded = tiny_encoded(40)
    engine = open_runtime("litert", contents.model)
    interpreter = Interpreter(model_content=model)
    runner = interpreter.get_signature_runner("serving_default")
    names = ("ids", "mask", "segment_ids")[: 2 + pair]
    assert set(runner.get_input_details()) == set(names)
    found = []
    for row in range(len(encoded)):
        one = encoded.take([row])
        found.append(runner(**{name: getattr(one, name) for name in names})["logits"])
    wanted = engine.dequantize(engine.logits(encoded))
    assert np.ptp(wanted) > 0
    assert np.array_equal(np.concatenate(found), wanted)


def test_the_policy_allows_the_one_script_in_the_page():
    page = demo_page_files(real_contents(2, False), RUNTIME)["index.html"]
    (script,) = re.findall(r"<script[^>]*>([^<]+)</script>", page)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in page
    assert not re.search("https?:", page)


def test_the_licence_is_the_projects():
    page = demo_page_files(real_contents(2, False), RUNTIME)
    assert page["LICENSE"] == (ROOT / "LICENSE").read_text("utf-8")


def first_difference(reference, rows, max_tokens):
    """The first row whose ids or boundary in JavaScript are not the reference's."""
    given = {"pieces": reference.pieces, "rows": rows, "max_tokens": max_tokens}
    done = subprocess.run(
        ["node", str(ROOT / "tests" / "page" / "encode.mjs"), str(LISTING)],
        input=json.dumps(given).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    texts, pairs = zip(*rows, strict=True)
    wanted = reference.encode(
        list(texts), None if pairs[0] is None else list(pairs), max_tokens
    )
    for number, found in enumerate(json.loads(done.stdout)):
        length = wanted.lengths[number]
        segments = [int(place >= found["boundary"]) for place in range(length)]
        if found["ids"] != wanted.ids[number][:length].tolist():
            return rows[number], found
        if segments != wanted.segment_ids[number][:length].tolist():
            return rows[number], found
    return None


@pytest.fixture(scope="module")
def reference() -> WordPiece:
    return WordPiece.load(builtin_model_folder("minilm-l6") / "vocab.txt")


def texts_of(seed: int, count: int) -> list[str]:
    generator = random.Random(seed)
    return [random_text(generator).decode("utf-8", "replace") for _ in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("max_tokens", [2, 3, 8, 64, 512])
def test_single_texts_have_the_ids_of_the_training(reference, max_tokens):
    texts = [*texts_of(max_tokens, 4000), *random_mark_texts()]
    texts += [text.decode("utf-8", "replace") for text in golden_texts(16, ())]
    texts += [letter * length for letter in "aé" for length in (99, 100, 101, 5000)]
    assert (
        first_difference(reference, [[text, None] for text in texts], max_tokens)
        is None
    )


@pytest.mark.slow
@pytest.mark.parametrize("max_tokens", [3, 4, 5, 8, 64, 65])
def test_pairs_are_cut_as_in_the_training(reference, max_tokens):
    rows = [[*row] for row in zip(texts_of(1, 2000), texts_of(2, 2000), strict=True)]
    assert first_difference(reference, rows, max_tokens) is None
