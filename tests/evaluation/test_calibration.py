"""Temperature, calibration error and the unknown threshold, on rows made to order."""

import numpy as np
import pytest

from ei_bert_tf.evaluation.calibration import (
    calibrate,
    expected_calibration_error,
    fit_temperature,
    probabilities,
)
from ei_bert_tf.task import NO_TARGET


def drawn(rows: int, temperature: float, seed: int):
    """Logits that are `temperature` times too large for how often they are right."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(rows, 3)) * 2
    chances = probabilities(logits, 1.0)
    targets = np.array([generator.choice(3, p=row) for row in chances])
    return logits * temperature, targets


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_is_found(temperature):
    logits, targets = drawn(20_000, temperature, 1)
    assert fit_temperature(logits, targets) == pytest.approx(temperature, rel=0.06)


def test_temperature_is_bounded_where_every_row_is_right():
    logits = np.array([[4.0, 0.0], [0.0, 4.0]])
    assert 0.05 <= fit_temperature(logits, np.array([0, 1])) < 0.1
    assert 10 < fit_temperature(logits, np.array([1, 0])) <= 20


def test_expected_calibration_error():
    rows = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [1.0, 0.0]])
    # Bins: two of 0.9 with one right, one of 0.6 and one of 1.0 that are right.
    error = (2 * abs(0.9 - 0.5) + abs(0.6 - 1) + 0) / 4
    assert expected_calibration_error(rows, np.array([0, 1, 1, 0])) == pytest.approx(
        error
    )


def test_calibration_helps_and_keeps_the_share_in_scope():
    held_out, (logits, targets) = drawn(4_000, 3.0, 2), drawn(4_000, 3.0, 3)
    outside = np.tile([0.5, 0.0, 0.2], (500, 1))
    targets = np.concatenate([targets, np.full(500, NO_TARGET)])
    found = calibrate(held_out, (np.concatenate([logits, outside]), targets), True)
    assert found.expected_calibration_error < 0.03 < found.uncalibrated_error
    sure = probabilities(held_out[0], found.temperature).max(axis=1)
    assert np.mean(sure >= found.unknown_threshold) == pytest.approx(0.95, abs=0.001)
    assert found.unknown_auroc > 0.95


def test_without_an_unknown_label_nothing_is_unknown():
    held_out = drawn(500, 2.0, 4)
    found = calibrate(held_out, drawn(500, 2.0, 5), False)
    assert found.unknown_threshold == 0.0
    assert found.unknown_auroc is None
