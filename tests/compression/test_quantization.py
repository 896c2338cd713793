"""Ranges and scales of the fake quantizers."""

import numpy as np
import pytest

from ei_bert_tf.compat import tf
from ei_bert_tf.compression.quantization import exact_range
from ei_bert_tf.compression.quantizers import (
    FixedRange,
    LearnedRange,
    RunningRange,
    StillRange,
    SymmetricRange,
)
from ei_bert_tf.training import WARMING_BATCHES


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


def test_still_range_cuts_off_what_is_rare_and_then_stays():
    layer = tf.keras.layers.Layer()
    quantizer = StillRange(99.0)
    weights = quantizer.build(None, "output", layer)
    values = np.concatenate([[-50.0, 50.0], np.linspace(-1.0, 3.0, 198)])
    batch = tf.constant(values, tf.float32)
    for _ in range(WARMING_BATCHES):
        quantizer(batch, True, weights)
    # Two of 200 values lie beyond the third largest one.
    assert weights["high"].numpy() == pytest.approx(3.0)
    assert weights["low"].numpy() == pytest.approx(-3.0)
    quantizer(100 * batch, True, weights)
    assert weights["high"].numpy() == pytest.approx(3.0)


def test_a_percentile_does_not_widen_a_side():
    layer = tf.keras.layers.Layer()
    quantizer = StillRange(99.0)
    weights = quantizer.build(None, "output", layer)
    quantizer(tf.linspace(-0.5, 4.0, 1000), True, weights)
    assert weights["low"].numpy() == pytest.approx(-0.5)
    assert 3.9 < weights["high"].numpy() < 4.0


def test_learned_range_has_the_value_of_the_others_and_a_gradient():
    layer = tf.keras.layers.Layer()
    quantizer = LearnedRange()
    weights = quantizer.build(None, "output", layer)
    for _ in range(WARMING_BATCHES):
        quantizer(tf.constant([-1.0, 2.0]), True, weights)
    inputs = tf.constant([-3.0, -0.4, 0.3, 1.7, 5.0])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = quantizer(inputs, True, weights)
        loss = tf.reduce_sum(tf.square(value - 10.0))
    wanted = tf.quantization.fake_quant_with_min_max_vars(inputs, -1.0, 2.0)
    np.testing.assert_allclose(value, wanted, atol=1e-6)
    high = weights["high_growth"]
    of_inputs, of_high = tape.gradient(loss, [inputs, high])
    assert (of_inputs.numpy() != 0).tolist() == [False, True, True, True, False]
    # The loss falls when the end that cuts 5.0 off moves up.
    assert of_high.numpy() < 0
    high.assign(np.log(1.5))
    assert quantizer(inputs, False, weights).numpy().max() == pytest.approx(3.0, 0.01)


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
