"""Ranges and scales of the fake quantizers."""

import numpy as np
import pytest

from ei_bert_tf.compat import tf
from ei_bert_tf.compression.quantization import exact_range
from ei_bert_tf.compression.quantizers import FixedRange, RunningRange, SymmetricRange


def test_running_range_is_the_mean_of_the_batches():
    layer = tf.keras.layers.Layer()
    quantizer = RunningRange()
    weights = quantizer.build(None, "output", layer)
    for high in (1.0, 3.0):
        quantizer(tf.constant([-0.5, high]), True, weights)
    assert weights["high"].numpy() == pytest.approx(2.0)
    assert weights["low"].numpy() == pytest.approx(-0.5)
    quantizer(tf.constant([-9.0, 9.0]), False, weights)
    assert weights["high"].numpy() == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("batch", "step"), [((-0.5, 3.0), 3 / 127), ((-4.0, 1), 4 / 128)]
)
def test_symmetric_range_holds_the_batch_and_has_zero_point_0(batch, step):
    layer = tf.keras.layers.Layer()
    quantizer = SymmetricRange()
    weights = quantizer.build(None, "output", layer)
    quantizer(tf.constant(batch), True, weights)
    low, high = float(weights["low"].numpy()), float(weights["high"].numpy())
    assert (low, high) == pytest.approx((-128 * step, 127 * step))
    low, high = exact_range(low, high)
    assert round(-low / ((high - low) / 255)) == 128


def test_fixed_range_clips():
    quantizer = FixedRange(0.0, 255 / 256)
    assert quantizer(tf.constant([2.0]), True, {}).numpy() == [255 / 256]


@pytest.mark.parametrize(("low", "high"), [(-1.3, 2.7), (0.0, 0.37), (-5.0, 0.0)])
def test_exact_range_holds_the_old_one(low, high):
    first, last = exact_range(low, high)
    scale = (last - first) / 255
    assert last - first <= (high - low) * 1.0005
    assert abs(first - low) <= scale and abs(last - high) <= scale
    assert np.float32(first) == first and np.float32(last) == last
    assert np.float32(first) <= 0 <= np.float32(last)
