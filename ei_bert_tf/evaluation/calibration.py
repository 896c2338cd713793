"""How far the probabilities can be trusted, and below which a text is unknown.

N rows, C classes.
"""

import dataclasses
from typing import Any

import numpy as np
import scipy.optimize
import scipy.special
import sklearn.metrics

from ei_bert_tf.task import NO_TARGET

KEPT_IN_SCOPE = 0.95
_BINS = 15
_TEMPERATURES = (0.05, 20.0)


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What is fitted on held-out training rows, and how good it is on others.

    Attributes:
        temperature: divides the logits before the softmax.
        unknown_threshold: a text whose largest probability is below it is unknown; of
            the held-out texts KEPT_IN_SCOPE are not. 0.0 where no label says unknown.
        expected_calibration_error: of the evaluated rows with the temperature.
        uncalibrated_error: the same with temperature 1.
        unknown_auroc: area under the curve that tells evaluated rows in scope from
            those that are not by their largest probability; None where all are.
    """

    temperature: float = 1.0
    unknown_threshold: float = 0.0
    expected_calibration_error: float | None = None
    uncalibrated_error: float | None = None
    unknown_auroc: float | None = None

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def calibrate(
    held_out: tuple[np.ndarray, np.ndarray],
    evaluated: tuple[np.ndarray, np.ndarray],
    has_unknown: bool,
) -> Calibration:
    """Fits on held-out rows, measures on evaluated ones.

    Args:
        held_out: logits float [N, C] and class ids [N] of rows in scope.
        evaluated: likewise; NO_TARGET marks a row out of scope.
        has_unknown: whether the task has a label for texts out of scope.
    """
    temperature = fit_temperature(*held_out)
    sure = probabilities(held_out[0], temperature).max(axis=1)
    logits, targets = evaluated
    scaled = probabilities(logits, temperature)
    known = targets != NO_TARGET
    errors = [
        expected_calibration_error(rows[known], targets[known])
        for rows in (scaled, probabilities(logits, 1.0))
    ]
    auroc = None
    if not known.all():
        auroc = float(sklearn.metrics.roc_auc_score(known, scaled.max(axis=1)))
    threshold = 0.0
    if has_unknown:
        threshold = float(np.quantile(sure, 1 - KEPT_IN_SCOPE, method="lower"))
    return Calibration(temperature, threshold, errors[0], errors[1], auroc)


def probabilities(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Softmax of logits / temperature, float64 [N, C]."""
    return scipy.special.softmax(np.asarray(logits, np.float64) / temperature, axis=1)


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The temperature of the smallest cross-entropy (Guo et al. 2017, section 4.2).

    Args:
        logits: float [N, C].
        targets: [N], class ids.

    Returns:
        Between 0.05 and 20: where every row is right, the cross-entropy falls with the
        temperature for ever.
    """

    def cross_entropy(exponent: float) -> float:
        scaled = np.asarray(logits, np.float64) / np.exp(exponent)
        return -scipy.special.log_softmax(scaled, axis=1)[
            np.arange(len(targets)), targets
        ].mean()

    found = scipy.optimize.minimize_scalar(
        cross_entropy, bounds=np.log(_TEMPERATURES), method="bounded"
    )
    return float(np.exp(found.x))


def expected_calibration_error(rows: np.ndarray, targets: np.ndarray) -> float:
    """Mean distance between confidence and accuracy over 15 bins of equal width (Guo
    et al. 2017, equation 3), weighted by their rows.

    Args:
        rows: probabilities [N, C].
        targets: [N], class ids.
    """
    confidence = rows.max(axis=1)
    right = rows.argmax(axis=1) == targets
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    distance = np.bincount(bins, confidence - right, minlength=_BINS)
    return float(np.abs(distance).sum() / len(rows))
