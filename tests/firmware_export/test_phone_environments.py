"""The phone folder in the environments it is for: MediaPipe's, and tflite-runtime's.

They are made here. T tokens, C classes.
"""

import dataclasses
import json
import pathlib
import subprocess

import numpy as np
import pytest

import ei_bert_tf
from ei_bert_tf.evaluation.phone_program import run_phone_program
from ei_bert_tf.evaluation.runtimes import open_runtime
from ei_bert_tf.text.builtin import builtin_model_folder
from ei_bert_tf.text.wordpiece import WordPiece
from firmware_export.phone import write_phone
from firmware_export.unicode_listing import LISTING
from tests.make_tiny_teacher import write_data, write_task
from tests.phone_environments import (
    TEXTS,
    any_texts,
    ascii_texts,
    ask_mediapipe,
    mediapipe_python,
    scores,
    tflite_runtime_python,
)
from tests.phone_probe import probe_model
from tests.phone_program import load_program, run_phone
from tests.programs import run_program
from tests.real_contents import real_contents
from tests.tiny_models import TOKENS

PROBE_TOKENS = 64
# tflite-runtime's kernels round other than XNNPACK: the most by which a logit of the
# tiny student's differs, in steps of its int8, and how much half of them differ.
MOST_STEPS, MEDIAN_STEPS = 48, 2
# MediaPipe takes the kernels that LiteRT takes; what differs is the last bit of a float
# that lands in a multiple of 1/256.
MOST_PROBABILITY_STEPS = 1
WORD_BYTES = 100  # What MediaPipe's WordPiece takes for a word at most.


@pytest.fixture(scope="module")
def mediapipe() -> pathlib.Path:
    return mediapipe_python()


@pytest.fixture(scope="module")
def tflite_runtime() -> pathlib.Path:
    return tflite_runtime_python()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A trained one, though of a tiny teacher: its pieces are single characters."""
    folder = tmp_path_factory.mktemp("trained")
    write_task(folder)
    recipe = {"teacher_epochs": 10, "student_epochs": 10, "quantization_epochs": 2}
    recipe |= dict.fromkeys(("teacher_learning_rate", "student_learning_rate"), 3e-3)
    (folder / "recipe.json").write_text(json.dumps(recipe | {"augmented_copies": 1}))
    return ei_bert_tf.compress(
        train=folder / "train.tsv",
        evaluate=folder / "eval.tsv",
        text="text",
        label="label",
        teacher=str(folder / "teacher"),
        preset="quick",
        recipe=folder / "recipe.json",
        max_seq_length=32,
        output_dir=folder / "bundle",
    )


@pytest.fixture(scope="module")
def reference() -> WordPiece:
    return WordPiece.load(builtin_model_folder("minilm-l6") / "vocab.txt")


@pytest.fixture(scope="module")
def probe(reference, tmp_path_factory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("probe") / "probe.tflite"
    path.write_bytes(probe_model(reference.pieces, PROBE_TOKENS))
    return path


def wrong_ids(python, probe, reference, texts, given) -> list[int]:
    """The rows of which MediaPipe makes other inputs than the training's tokenizer.

    Args:
        texts: what the training's tokenizer reads.
        given: what MediaPipe reads.
    """
    encoded = reference.encode(texts, None, PROBE_TOKENS)
    wanted = np.stack([encoded.ids, encoded.mask, encoded.segment_ids], axis=1)
    found = scores(ask_mediapipe(python, probe, given), 3 * PROBE_TOKENS)
    same = found.reshape(wanted.shape) == wanted
    return np.flatnonzero(~same.all(axis=(1, 2))).tolist()


def check_labels(texts, labels, wanted, logits, bound, least_share) -> None:
    """Prints each text whose labels differ, and by how much its best logit leads.

    Raises:
        AssertionError: one leads by more than the engines differ, or fewer than
            `least_share` of the texts have the same label.
    """
    best = np.sort(logits, axis=1)
    rows = zip(texts, labels, wanted, best[:, -1] - best[:, -2], strict=True)
    found = [(text, a, b, lead) for text, a, b, lead in rows if a != b]
    print(f"{len(found)} of {len(texts)} differ, bound {bound}:", *found, sep="\n")
    assert all(lead <= bound for *_, lead in found)
    assert len(found) <= (1 - least_share) * len(texts)


@pytest.mark.slow
def test_mediapipe_reads_ascii_as_it_is(mediapipe, probe, reference):
    texts = ascii_texts()
    assert all(text.isascii() for text in texts)
    assert wrong_ids(mediapipe, probe, reference, texts, texts) == []


@pytest.mark.slow
def test_mediapipe_reads_normalized_texts_but_for_two_causes(
    mediapipe, probe, reference
):
    """Words of many bytes are unknown to it, and newer punctuation splits words."""
    program = load_program(LISTING.parent)
    tables = json.loads(LISTING.read_text("utf-8"))
    tokenizer = program.Tokenizer(reference.pieces, tables)
    texts = any_texts()
    words = [list(tokenizer.words(text)) for text in texts]
    given = [" ".join(row) for row in words]
    assert len(wrong_ids(mediapipe, probe, reference, texts, texts)) > 100
    wrong = wrong_ids(mediapipe, probe, reference, texts, given)
    characters = sorted({character for row in wrong for character in given[row]})
    alone = [f"a{character}b" for character in characters]
    spaced = [" ".join(tokenizer.words(text)) for text in alone]
    split = {
        characters[row] for row in wrong_ids(mediapipe, probe, reference, alone, spaced)
    }
    print(f"{len(wrong)} of {len(texts)}; split at {sorted(map(ascii, split))}")
    for row in wrong:
        long = any(len(word.encode()) > WORD_BYTES for word in words[row])
        assert long or not split.isdisjoint(given[row]), texts[row]
    assert len(wrong) <= 0.005 * len(texts)


@pytest.mark.slow
def test_mediapipe_gives_the_labels_and_probabilities_of_litert(mediapipe, bundle):
    texts = ascii_texts()
    model = bundle.folder / "phone" / "model.tflite"
    results = ask_mediapipe(mediapipe, model, texts)
    encoded = bundle.tokenizer.encode(texts, None, 32)
    engine = open_runtime("litert", bundle.model)
    logits = engine.dequantize(engine.logits(encoded))
    predictions = bundle.predict(texts)
    wanted = np.array([prediction.probability for prediction in predictions])
    best = np.array([result[0][1] for result in results])
    assert np.ptp(wanted) > 0.3
    assert np.abs(best - wanted).max() <= MOST_PROBABILITY_STEPS / 256
    labels = [result[0][2] for result in results]
    expected = [prediction.label for prediction in predictions]
    check_labels(texts, labels, expected, logits, engine.scale, 0.995)


@pytest.mark.slow
def test_mediapipe_leaves_out_what_is_unknown(mediapipe, tmp_path):
    contents = dataclasses.replace(real_contents(2, False), unknown_label="?")
    write_phone(contents, tmp_path / "phone")
    texts = ["on", "off offs", "", "x on", "on off off off off off"]
    classifier = load_program(tmp_path / "phone").Classifier()
    answers = [classifier.classify(text) for text in texts]
    results = ask_mediapipe(mediapipe, tmp_path / "phone" / "model.tflite", texts)
    assert 0 < sum(not result for result in results) < len(texts)
    for answer, result in zip(answers, results, strict=True):
        assert (answer["label"] == "?") == (not result)
        assert not result or result[0][2] == answer["label"]


@pytest.mark.slow
def test_mediapipe_gives_a_regression_as_a_score(mediapipe, tmp_path):
    write_phone(real_contents(1, False), tmp_path / "phone")
    texts = ["on", "off offs", "", "x on"]
    classifier = load_program(tmp_path / "phone").Classifier()
    values = [classifier.classify(text)["value"] for text in texts]
    results = ask_mediapipe(mediapipe, tmp_path / "phone" / "model.tflite", texts)
    assert min(values) < 0 < max(values)
    assert scores(results, 1)[:, 0].tolist() == pytest.approx(values)


@pytest.mark.slow
def test_tflite_runtime_gives_the_ids_of_any_text(tflite_runtime, reference, tmp_path):
    texts = any_texts()
    given = {"pieces": reference.pieces, "texts": texts, "tables": str(LISTING)}
    (tmp_path / "given.json").write_text(json.dumps(given))
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]);"
        "from predict_tflite_runtime import Tokenizer;"
        "given = json.load(open(sys.argv[2]));"
        "tokenizer = Tokenizer(given['pieces'], json.load(open(given['tables'])));"
        f"encode = lambda text: tokenizer.encode(text, None, {PROBE_TOKENS})[0];"
        "print(json.dumps([encode(text) for text in given['texts']]))"
    )
    done = subprocess.run(
        [tflite_runtime, "-c", code, LISTING.parent, tmp_path / "given.json"],
        stdout=subprocess.PIPE,
        check=True,
    )
    encoded = reference.encode(texts, None, PROBE_TOKENS)
    wanted = [encoded.ids[k][:n].tolist() for k, n in enumerate(encoded.lengths)]
    assert json.loads(done.stdout) == wanted


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "least_share"),
    # What the student knows nothing of is decided by a step or two, on which LiteRT's
    # own two sets of kernels disagree as often.
    [("of the task", 0.995), ("of any kind", 0.98)],
)
def test_tflite_runtime_gives_the_labels_of_litert(
    tflite_runtime, bundle, tmp_path, kind, least_share
):
    texts = any_texts()
    if kind == "of the task":
        write_data(tmp_path / "more.tsv", TEXTS, 9)
        lines = (tmp_path / "more.tsv").read_text().splitlines()[1:]
        texts = [line.split("\t")[0] for line in lines]
    answers = run_phone_program(bundle.folder, tflite_runtime, texts, None)
    encoded = bundle.tokenizer.encode(texts, None, 32)
    for row, answer in enumerate(answers):
        assert answer["ids"] == encoded.ids[row][: encoded.lengths[row]].tolist()
    engine = open_runtime("litert", bundle.model)
    logits = engine.dequantize(engine.logits(encoded))
    found = np.array([answer["logits"] for answer in answers], np.float32)
    steps = np.abs(found - logits) / engine.scale
    print(f"logits differ by {np.median(steps):.0f}, {steps.max():.0f} steps at most")
    assert np.ptp(logits) > 2 * MOST_STEPS * engine.scale
    assert steps.max() <= MOST_STEPS
    assert np.median(steps) <= MEDIAN_STEPS
    labels = [answer["label"] for answer in answers]
    wanted = [prediction.label for prediction in bundle.predict(texts)]
    # Two logits can each move by the bound, towards each other.
    bound = 2 * MOST_STEPS * engine.scale
    check_labels(texts, labels, wanted, logits, bound, least_share)


@pytest.mark.slow
def test_predict_runs_tflite_runtime(tflite_runtime, bundle):
    done = run_program(
        "predict",
        f"--bundle={bundle.folder}",
        "--runtime=tflite_runtime",
        f"--tflite_runtime_python={tflite_runtime}",
        "a very good day",
        "the awful film",
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    assert [row[0] for row in rows] == ["good", "bad"]
    assert all(0.5 <= float(row[1]) <= 1.0 for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [(3, True), (1, False), (1, True)])
def test_tflite_runtime_runs_pairs_and_regressions(tflite_runtime, tmp_path, kind):
    contents = real_contents(*kind)
    write_phone(contents, tmp_path / "phone")
    texts = ["on", "off offs", "", "x on"]
    pairs = texts[::-1] if contents.pair else None
    encoded = WordPiece(contents.pieces).encode(texts, pairs, TOKENS)
    engine = open_runtime("litert_reference", contents.model)
    wanted = engine.dequantize(engine.logits(encoded))
    answers = run_phone_program(tmp_path, tflite_runtime, texts, pairs)
    found = np.array([answer["logits"] for answer in answers])
    assert np.abs(found - wanted).max() <= engine.scale * 1.001
    assert np.ptp(wanted) > 3 * engine.scale


@pytest.mark.slow
def test_numpy_2_is_refused_in_one_line(tmp_path):
    python = tflite_runtime_python("numpy>=2")
    write_phone(real_contents(1, False), tmp_path / "phone")
    done = run_phone(tmp_path / "phone", "on", python=python)
    assert done.returncode == 1
    assert b"tflite-runtime fails with numpy 2" in done.stderr.splitlines()[-1]
