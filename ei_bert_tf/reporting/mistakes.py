"""Which classes are taken for which, and the mistakes that the model is surest of.

N examples, C classes.
"""

from typing import Any

import numpy as np

from ei_bert_tf.task import Examples, Task

_MOST_MISTAKES = 20


def class_table(task: Task, targets: np.ndarray, predicted: np.ndarray) -> list[dict]:
    """One `{label, examples, recall, precision}` a class, None where there is none to
    divide by.

    Args:
        targets, predicted: int [N]; negative targets are out of scope and left out.
    """
    known = targets >= 0
    targets, predicted = targets[known], predicted[known]
    rows = []
    for index, label in enumerate(task.labels):
        true, taken = targets == index, predicted == index
        right = int(np.count_nonzero(true & taken))
        rows.append(
            {
                "label": label,
                "examples": int(true.sum()),
                "recall": right / int(true.sum()) if true.any() else None,
                "precision": right / int(taken.sum()) if taken.any() else None,
            }
        )
    return rows


def confusions(task: Task, targets: np.ndarray, predicted: np.ndarray) -> list[dict]:
    """`{label, predicted, count}` of every pair of classes that occurs, right ones
    included, the most frequent first."""
    known = targets >= 0
    pairs, counts = np.unique(
        np.stack([targets[known], predicted[known]]), axis=1, return_counts=True
    )
    order = np.argsort(-counts, kind="stable")
    return [
        {
            "label": task.labels[pairs[0, index]],
            "predicted": task.labels[pairs[1, index]],
            "count": int(counts[index]),
        }
        for index in order
    ]


def worst_mistakes(
    task: Task, examples: Examples, values: np.ndarray
) -> list[dict[str, Any]]:
    """The wrong answers that the model is surest of, at most twenty.

    Args:
        values: probabilities float [N, C], or values float [N, 1] for regression.

    Returns:
        `{text, pair, label, predicted, probability}`, pair None for single texts; for
        regression numbers without a probability, the largest errors first.
    """
    targets = examples.targets
    if task.is_regression:
        sureness = np.abs(values[:, 0] - targets)
        wrong = np.isfinite(targets)
    else:
        sureness = values.max(axis=1)
        wrong = (targets >= 0) & (values.argmax(axis=1) != targets)
    order = np.argsort(-sureness, kind="stable")
    found = []
    for row in [row for row in order if wrong[row]][:_MOST_MISTAKES]:
        pair = None if examples.pairs is None else examples.pairs[row]
        mistake = {"text": examples.texts[row], "pair": pair}
        if task.is_regression:
            mistake |= {
                "label": float(targets[row]),
                "predicted": float(values[row, 0]),
            }
        else:
            mistake |= {
                "label": task.labels[targets[row]],
                "predicted": task.labels[values[row].argmax()],
                "probability": float(values[row].max()),
            }
        found.append(mistake)
    return found
