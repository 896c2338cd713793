"""The metrics that a task may name.

N rows, C outputs.
"""

import warnings

import numpy as np
import scipy.stats
import sklearn.metrics

from ei_bert_tf.task import NO_TARGET

_CLASSIFICATION = ("accuracy", "f1", "matthews")
_REGRESSION = ("pearson", "spearman")
METRICS = _CLASSIFICATION + _REGRESSION


def metric_value(name: str, logits: np.ndarray, targets: np.ndarray) -> float:
    """One metric: accuracy and f1 in 0..1, the others in -1..1.

    f1 is that of class 1. Where the predictions or the targets are constant, a
    correlation is 0.0.

    Args:
        name: one of METRICS.
        logits: float [N, C]; for pearson and spearman the predicted values [N, 1].
        targets: [N] class ids or values. Rows without one (NO_TARGET, NaN for
            regression) are left out.

    Raises:
        ValueError: no such metric, or no row has a target.
    """
    if name not in METRICS:
        raise ValueError(f"metric: {name!r}; accepted are {', '.join(METRICS)}")
    logits, targets = np.asarray(logits), np.asarray(targets)
    regression = name in _REGRESSION
    kept = ~np.isnan(targets) if regression else targets != NO_TARGET
    if not kept.any():
        raise ValueError(f"metric {name}: no row has a target")
    logits, targets = logits[kept], targets[kept]
    if regression:
        return _correlation(name, logits.reshape(len(targets), -1)[:, 0], targets)
    predicted = logits.argmax(axis=1)
    if name == "accuracy":
        return float(np.mean(predicted == targets))
    if name == "f1":
        return float(
            sklearn.metrics.f1_score(targets == 1, predicted == 1, zero_division=0.0)
        )
    if np.ptp(predicted) == 0 or np.ptp(targets) == 0:
        return 0.0
    return float(sklearn.metrics.matthews_corrcoef(targets, predicted))


def logits_correlation(logits: np.ndarray, others: np.ndarray) -> float:
    """Pearson's correlation of two float arrays [N, C], each row without its mean.

    It tells close students apart where a metric of a few hundred rows can't: by how far
    they follow the teacher. Of values [N, 1] it is that of the values.
    """
    if logits.shape[1] > 1:
        logits, others = (x - x.mean(axis=1, keepdims=True) for x in (logits, others))
    return _correlation("pearson", logits.ravel(), others.ravel())


def _correlation(name: str, predicted: np.ndarray, targets: np.ndarray) -> float:
    """Pearson's or Spearman's correlation of two float arrays [N]."""
    predicted, targets = predicted.astype(np.float64), targets.astype(np.float64)
    if np.ptp(predicted) == 0 or np.ptp(targets) == 0:
        return 0.0
    correlate = scipy.stats.pearsonr if name == "pearson" else scipy.stats.spearmanr
    with warnings.catch_warnings():
        # Nearly constant predictions are a poor model, not a fault of the call.
        warnings.simplefilter("ignore", scipy.stats.NearConstantInputWarning)
        return float(correlate(predicted, targets).statistic)
