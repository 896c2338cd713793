"""Metrics by hand-counted examples, and their edges."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_bert_tf.metrics import METRICS, metric_value
from ei_bert_tf.task import NO_TARGET


def _one_hot(classes, count: int = 2) -> np.ndarray:
    return np.eye(count, dtype=np.float32)[classes]


def _column(values) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


def test_the_names():
    assert METRICS == ("accuracy", "f1", "matthews", "pearson", "spearman")


# 3 true positives, 1 false positive, 2 false negatives, 2 true negatives.
_PREDICTED = _one_hot([1, 1, 1, 1, 0, 0, 0, 0])
_TARGETS = np.array([1, 1, 1, 0, 1, 1, 0, 0])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accuracy", 5 / 8),
        ("f1", 6 / 9),
        ("matthews", (3 * 2 - 1 * 2) / np.sqrt(4 * 5 * 3 * 4)),
    ],
)
def test_classification(name, value):
    assert metric_value(name, _PREDICTED, _TARGETS) == pytest.approx(value)


@pytest.mark.parametrize("name", ["accuracy", "f1", "matthews"])
def test_rows_without_a_target_are_left_out(name):
    logits = np.concatenate([_PREDICTED, _one_hot([1, 0])])
    targets = np.concatenate([_TARGETS, [NO_TARGET, NO_TARGET]])
    assert metric_value(name, logits, targets) == metric_value(
        name, _PREDICTED, _TARGETS
    )


def test_accuracy_of_many_classes():
    logits = _one_hot([0, 1, 2, 3], 4)
    assert metric_value("accuracy", logits, np.array([0, 1, 2, 0])) == 0.75


@pytest.mark.parametrize("name", METRICS)
def test_perfect_predictions(name):
    targets = np.array([0, 1, 1, 0, 1])
    logits = _column(targets) if name in ("pearson", "spearman") else _one_hot(targets)
    assert metric_value(name, logits, targets) == pytest.approx(1.0)


def test_pearson_is_linear_and_spearman_monotone():
    targets = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    predictions = _column(np.exp(targets))
    assert metric_value("spearman", predictions, targets) == pytest.approx(1.0)
    assert metric_value("pearson", predictions, targets) < 0.95
    assert metric_value("pearson", -_column(targets), targets) == pytest.approx(-1.0)


def test_a_target_of_minus_one_is_a_value_in_regression():
    targets = np.array([-1.0, 0.0, 5.0])
    with_all = metric_value("pearson", _column([9.0, 0.0, 1.0]), targets)
    without = metric_value("pearson", _column([0.0, 1.0]), targets[1:])
    assert with_all != pytest.approx(without)


def test_regression_rows_without_a_value_are_left_out():
    targets = np.array([0.0, np.nan, 1.0, 2.0])
    value = metric_value("pearson", _column([0.0, 50.0, 1.0, 2.0]), targets)
    assert value == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["f1", "matthews", "pearson", "spearman"])
def test_constant_predictions_give_zero_without_a_warning(name):
    targets = np.array([0, 1, 1, 0])
    logits = (
        _column([0.5] * 4) if name in ("pearson", "spearman") else _one_hot([0] * 4)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert metric_value(name, logits, targets) == 0.0


@pytest.mark.parametrize("name", ["matthews", "pearson", "spearman"])
def test_constant_targets_give_zero_without_a_warning(name):
    logits = (
        _column([0.5, 1.0]) if name in ("pearson", "spearman") else _one_hot([0, 1])
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert metric_value(name, logits, np.array([1, 1])) == 0.0


@pytest.mark.parametrize("name", METRICS)
def test_one_row_gives_a_number(name):
    logits = _column([1.0]) if name in ("pearson", "spearman") else _one_hot([1])
    value = metric_value(name, logits, np.array([1]))
    assert value == (1.0 if name in ("accuracy", "f1") else 0.0)


_ROWS = st.lists(
    st.tuples(st.floats(-1e3, 1e3, width=32), st.integers(0, 1)), min_size=1
)


@given(rows=_ROWS, name=st.sampled_from(METRICS))
def test_values_stay_in_range_and_silent(rows, name):
    values = np.array([row[0] for row in rows], np.float32)
    targets = np.array([row[1] for row in rows])
    regression = name in ("pearson", "spearman")
    logits = values[:, None] if regression else np.stack([-values, values], axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value = metric_value(name, logits, targets)
    assert (0.0 if name in ("accuracy", "f1") else -1.0) <= value <= 1.0


def test_an_unknown_metric_is_refused():
    with pytest.raises(ValueError, match="accepted are accuracy, f1, matthews"):
        metric_value("auc", _PREDICTED, _TARGETS)


@pytest.mark.parametrize(
    ("name", "targets"), [("accuracy", [NO_TARGET]), ("pearson", [np.nan])]
)
def test_no_target_at_all_is_refused(name, targets):
    with pytest.raises(ValueError, match="no row has a target"):
        metric_value(name, np.zeros((1, 2), np.float32), np.array(targets))
