"""What a user would pick instead of a student: linear models on words.

Each is given the student's bytes and the same held-out part of train for its choices.
"""

import dataclasses
import pathlib
import tempfile
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from ei_bert_tf.errors import InputError
from ei_bert_tf.metrics import metric_value
from ei_bert_tf.task import Examples, Task
from ei_bert_tf.text.datasets import Dataset, hold_out

_STRENGTHS = (1.0, 4.0, 16.0, 64.0)  # Inverse regularization.
_FASTTEXT_SECONDS = 120
_FASTTEXT_ATTEMPTS = 5


@dataclasses.dataclass(frozen=True)
class Baseline:
    """What became of one.

    Attributes:
        value: the metric on the examples to report.
        held_out: the same on held-out train.
        model_bytes: of its file, or what its weights and terms take at one byte a
            weight.
    """

    value: float
    held_out: float
    model_bytes: int


def tfidf(dataset: Dataset, max_model_bytes: int, seed: int, recipe) -> Baseline:
    """Logistic regression (ridge for regression) on TF-IDF of words and word pairs.

    The terms are the commonest that fit: a byte for each weight and for the inverse
    document frequency, and the term's own bytes with an end mark. The weights are not
    quantized: what that would lose is not counted against it.
    """
    task = dataset.task
    train, held_out = _parts(dataset, recipe, seed)
    texts = _joined(train)
    columns = task.outputs if task.outputs > 2 else 1
    counter = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    counter.fit(texts)
    terms, size = _terms_that_fit(counter, texts, columns, max_model_bytes)
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, vocabulary=terms)
    known = train.targets >= 0 if not task.is_regression else slice(None)
    features = vectors.fit_transform(texts)[known]
    best: tuple[float, Any] | None = None
    for strength in _STRENGTHS:
        if task.is_regression:
            model: Any = Ridge(alpha=1 / strength)
        else:
            model = LogisticRegression(C=strength, max_iter=1000)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(features, train.targets[known])
        value = _metric(task, model, vectors, held_out)
        if best is None or value > best[0]:
            best = value, model
    value, model = best
    return Baseline(_metric(task, model, vectors, dataset.evaluate), value, size)


def fasttext(dataset: Dataset, max_model_bytes: int, seed: int, recipe) -> Baseline:
    """fastText's averaged embeddings (Joulin et al. 2017), compressed to the size by
    its own search (`autotune` with a size, two minutes) on held-out train.

    Raises:
        InputError: the package is missing, or the task is a regression.
    """
    try:
        import fasttext as library
    except ImportError as error:
        raise InputError(
            "baseline fasttext: needs the package fasttext-numpy2-wheel "
            "(pip install 'ei_bert_tf[benchmarks]')"
        ) from error
    task = dataset.task
    if task.is_regression:
        raise InputError("baseline fasttext: classification only is accepted")
    train, held_out = _parts(dataset, recipe, seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        files = {}
        for name, examples in (("train", train), ("held_out", held_out)):
            files[name] = folder / name
            rows = zip(_joined(examples), examples.targets, strict=True)
            lines = [f"__label__{target} {text}\n" for text, target in rows]
            files[name].write_text("".join(lines), "utf-8")
        model = _searched(
            library,
            seed,
            input=str(files["train"]),
            autotuneValidationFile=str(files["held_out"]),
            autotuneDuration=_FASTTEXT_SECONDS,
            autotuneModelSize=f"{max_model_bytes // 1000}K",
            verbose=0,
        )
        model.save_model(str(folder / "model.ftz"))
        size = (folder / "model.ftz").stat().st_size

    def value(examples: Examples) -> float:
        logits = np.full((len(examples), task.outputs), -np.inf)
        for row, text in enumerate(_joined(examples)):
            for label, score in zip(*model.predict(text, k=-1), strict=True):
                logits[row, int(label.removeprefix("__label__"))] = score
        return metric_value(task.metric, logits, examples.targets)

    return Baseline(value(dataset.evaluate), value(held_out), size)


BASELINES: dict[str, Callable[..., Baseline]] = {"tfidf": tfidf, "fasttext": fasttext}


def _searched(library, seed: int, **choices):
    """fastText's search with the first seed from `seed` on that it survives: it dies of
    a trial whose numbers overflow, and another seed tries other rates."""
    for attempt in range(seed, seed + _FASTTEXT_ATTEMPTS):
        try:
            return library.train_supervised(seed=attempt, **choices)
        except RuntimeError as error:
            if "NaN" not in str(error):
                raise
    raise InputError(
        f"baseline fasttext: its search died of an overflow with each of the seeds "
        f"{seed} to {seed + _FASTTEXT_ATTEMPTS - 1}"
    )


def _parts(dataset: Dataset, recipe, seed: int) -> tuple[Examples, Examples]:
    """Train and held-out train, as a student with this seed has them."""
    kept, held = hold_out(
        dataset.train,
        dataset.task,
        recipe.held_out_share,
        seed,
        recipe.held_out_most,
    )
    return dataset.train.take(kept), dataset.train.take(held)


def _joined(examples: Examples) -> list[str]:
    """Lines of lower-cased text, both texts of a pair behind each other."""
    texts: Sequence[str] = examples.texts
    if examples.pairs is not None:
        texts = [f"{a} {b}" for a, b in zip(texts, examples.pairs, strict=True)]
    return [" ".join(text.lower().split()) for text in texts]


def _terms_that_fit(
    counter: TfidfVectorizer, texts: list[str], columns: int, limit: int
) -> tuple[list[str], int]:
    """The commonest terms in so many bytes, and what they take."""
    counts = np.asarray((counter.transform(texts) > 0).sum(axis=0))[0]
    names = counter.get_feature_names_out()
    order = np.lexsort((names, -counts))
    sizes = np.array([len(names[i].encode()) + 2 + columns for i in order])
    fitting = int(np.searchsorted(np.cumsum(sizes), limit, side="right"))
    if fitting == 0:
        raise InputError(f"baseline tfidf: no term fits into {limit} bytes")
    return [names[i] for i in order[:fitting]], int(sizes[:fitting].sum())


def _metric(task: Task, model, vectors: TfidfVectorizer, examples: Examples) -> float:
    features = vectors.transform(_joined(examples))
    if task.is_regression:
        values = model.predict(features)[:, None]
    else:
        values = np.zeros((len(examples), task.outputs))
        values[:, model.classes_] = model.predict_proba(features)
    return metric_value(task.metric, values, examples.targets)
