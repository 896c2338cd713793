"""Which classes are taken for which."""

import math

import numpy as np

from ei_bert_tf.reporting.mistakes import class_table, confusions, worst_mistakes
from ei_bert_tf.task import CLASSIFICATION, NO_TARGET, REGRESSION, Examples, Task

TASK = Task(CLASSIFICATION, ("text",), "label", "accuracy", ("a", "b", "c"))
TARGETS = np.array([0, 0, 1, 1, 1, NO_TARGET])
PREDICTED = np.array([0, 1, 1, 1, 0, 2])


def test_recall_and_precision_leave_out_what_is_out_of_scope():
    assert class_table(TASK, TARGETS, PREDICTED) == [
        {"label": "a", "examples": 2, "recall": 1 / 2, "precision": 1 / 2},
        {"label": "b", "examples": 3, "recall": 2 / 3, "precision": 2 / 3},
        {"label": "c", "examples": 0, "recall": None, "precision": None},
    ]


def test_confusions_are_counted_the_commonest_first():
    assert [tuple(c.values()) for c in confusions(TASK, TARGETS, PREDICTED)] == [
        ("b", "b", 2),
        ("a", "a", 1),
        ("a", "b", 1),
        ("b", "a", 1),
    ]


def test_the_surest_mistakes_come_first():
    examples = Examples(list("uvwxyz"), list("UVWXYZ"), TARGETS)
    values = np.full((6, 3), 0.1)
    values[np.arange(6), PREDICTED] = [0.9, 0.6, 0.8, 0.8, 0.7, 0.99]
    assert worst_mistakes(TASK, examples, values) == [
        {"text": "y", "pair": "Y", "label": "b", "predicted": "a", "probability": 0.7},
        {"text": "v", "pair": "V", "label": "a", "predicted": "b", "probability": 0.6},
    ]


def test_of_a_regression_the_largest_errors_come_first():
    task = Task(REGRESSION, ("text",), "score", "pearson")
    targets = np.array([1.0, 2.0, math.nan], np.float32)
    examples = Examples(["near", "far", "unlabelled"], None, targets)
    values = np.array([[1.5], [4.0], [9.0]])
    assert worst_mistakes(task, examples, values) == [
        {"text": "far", "pair": None, "label": 2.0, "predicted": 4.0},
        {"text": "near", "pair": None, "label": 1.0, "predicted": 1.5},
    ]


def test_no_more_than_twenty_are_listed():
    targets = np.zeros(50, int)
    examples = Examples([str(row) for row in range(50)], None, targets)
    values = np.tile([0.2, 0.8, 0.0], (50, 1))
    found = worst_mistakes(TASK, examples, values)
    assert [mistake["text"] for mistake in found] == [str(row) for row in range(20)]
