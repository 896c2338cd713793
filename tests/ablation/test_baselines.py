"""The baselines learn, and stay within the bytes."""

import sys
import types

import numpy as np
import pytest

from ei_bert_tf.ablation.baselines import _searched, fasttext, tfidf
from ei_bert_tf.errors import InputError
from ei_bert_tf.recipe import Recipe
from ei_bert_tf.task import CLASSIFICATION, REGRESSION, Examples, Task
from ei_bert_tf.text.datasets import Dataset

RECIPE = Recipe.preset("standard")


def texts(count, seed):
    generator = np.random.default_rng(seed)
    words = [f"w{number}" for number in range(50)]
    return [" ".join(generator.choice(words, 6)) for _ in range(count)]


def dataset(classes):
    """The class (or the value) is said by whether w0, w1 and so on occur."""
    task = Task(
        CLASSIFICATION if classes else REGRESSION,
        ("text",),
        "label",
        "accuracy" if classes else "pearson",
        tuple(map(str, range(classes))),
    )
    parts = []
    for count, seed in ((600, 1), (200, 2)):
        found = texts(count, seed)
        markers = np.random.default_rng(seed + 9).integers(0, classes or 3, count)
        marked = [f"{t} w{100 + m}" for t, m in zip(found, markers, strict=True)]
        targets = markers.astype(np.int32 if classes else np.float32)
        parts.append(Examples(marked, None, targets))
    return Dataset(task, parts[0], parts[1], None, None)


@pytest.mark.parametrize("classes", [2, 3, 0])
def test_tfidf_learns_within_its_bytes(classes):
    found = tfidf(dataset(classes), 5000, 0, RECIPE)
    assert found.value > 0.95 and found.held_out > 0.95
    assert 0 < found.model_bytes <= 5000


def test_few_bytes_keep_the_commonest_terms():
    small = tfidf(dataset(2), 30, 0, RECIPE)
    assert small.model_bytes <= 30
    assert small.value > 0.95  # Of all terms the two that tell are the commonest.
    with pytest.raises(InputError, match="no term fits into 3 bytes"):
        tfidf(dataset(2), 3, 0, RECIPE)


def test_without_its_package_fasttext_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fasttext", None)
    with pytest.raises(InputError, match="needs the package fasttext-numpy2-wheel"):
        fasttext(dataset(2), 5000, 0, RECIPE)


def library_that_fails(reason, lasting):
    """A stand-in for fastText whose search dies with a seed below `lasting`."""

    def train_supervised(seed):
        if seed < lasting:
            raise RuntimeError(reason)
        return seed

    return types.SimpleNamespace(train_supervised=train_supervised)


def test_a_search_of_fasttext_that_overflows_takes_the_next_seed():
    assert _searched(library_that_fails("Encountered NaN.", 5), 3) == 5
    with pytest.raises(InputError, match="each of the seeds 3 to 7"):
        _searched(library_that_fails("Encountered NaN.", 8), 3)


def test_another_error_of_fasttext_is_not_hidden():
    with pytest.raises(RuntimeError, match="Cannot load"):
        _searched(library_that_fails("Cannot load", 5), 3)
