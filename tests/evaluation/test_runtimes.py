"""The engines behind one interface."""

import numpy as np
import pytest

from ei_bert_tf.errors import InputError
from ei_bert_tf.evaluation.runtimes import RUNTIMES, open_runtime
from tests.tiny_models import TOKENS, tiny_encoded, tiny_keras_model, tiny_tflite

# Largest difference from TFLM in steps of the logits. The reference kernels part from
# it in one rounding of the only fully connected layer. The default delegate also rounds
# the sums of embeddings its own way, and 42 of those add up in a logit.
_STEPS = {"tflm": 0, "litert_reference": 1, "litert": 4}


@pytest.mark.parametrize("pair", [False, True])
@pytest.mark.parametrize("name", RUNTIMES)
def test_logits_follow_the_float_model(name, pair):
    encoded = tiny_encoded(20)
    runtime = open_runtime(name, tiny_tflite(outputs=3, pair=pair))
    logits = runtime.logits(encoded)
    assert logits.shape == (20, 3)
    assert logits.dtype == np.int8
    model = tiny_keras_model(outputs=3, pair=pair)
    expected = np.concatenate(
        [
            model(
                [getattr(encoded.take([row]), tensor.name) for tensor in model.inputs]
            )["logits"].numpy()
            for row in range(20)
        ]
    )
    found = runtime.dequantize(logits)
    assert found.dtype == np.float32
    # Int8 saturates beyond the calibrated range.
    limits = runtime.dequantize(np.array([-128, 127], np.int8))
    expected = expected.clip(*limits)
    # Int8 tables (step 1/64) summed over 42 inputs, and the logits' own step.
    np.testing.assert_allclose(found, expected, atol=0.3)
    assert np.ptp(expected) > 3


@pytest.mark.parametrize("pair", [False, True])
def test_engines_agree_to_a_few_steps(pair):
    encoded = tiny_encoded(50)
    model = tiny_tflite(pair=pair)
    logits = {name: open_runtime(name, model).logits(encoded) for name in RUNTIMES}
    for name in RUNTIMES:
        steps = logits[name].astype(int) - logits["tflm"]
        assert np.abs(steps).max() <= _STEPS[name]


@pytest.mark.parametrize("name", RUNTIMES)
def test_inputs_are_found_by_name(name):
    """The pair model's graph has segment_ids before mask."""
    encoded = tiny_encoded(12)
    runtime = open_runtime(name, tiny_tflite(pair=True))
    swapped = type(encoded)(encoded.ids, encoded.lengths, 1 - encoded.segment_ids)
    assert (runtime.logits(encoded) != runtime.logits(swapped)).any()
    again = open_runtime(name, tiny_tflite(pair=True)).logits(encoded)
    np.testing.assert_array_equal(runtime.logits(encoded), again)


@pytest.mark.parametrize("name", RUNTIMES)
def test_rows_do_not_depend_on_each_other(name):
    encoded = tiny_encoded(6)
    runtime = open_runtime(name, tiny_tflite())
    together = runtime.logits(encoded)
    for row in range(6):
        np.testing.assert_array_equal(
            runtime.logits(encoded.take([row])), together[[row]]
        )


@pytest.mark.parametrize("name", RUNTIMES)
def test_no_row_gives_no_logits(name):
    runtime = open_runtime(name, tiny_tflite())
    assert runtime.logits(tiny_encoded(6).take([])).shape == (0, 2)


@pytest.mark.parametrize("name", RUNTIMES)
def test_quantization_of_the_logits(name):
    runtime = open_runtime(name, tiny_tflite())
    zero = np.array([[runtime.zero_point]], np.int8)
    assert runtime.scale > 0
    assert runtime.dequantize(zero).tolist() == [[0.0]]
    step = np.array([[runtime.zero_point + 1]], np.int8)
    assert runtime.dequantize(step)[0, 0] == pytest.approx(runtime.scale)


@pytest.mark.parametrize("name", RUNTIMES)
def test_nothing_is_printed(name, capfd):
    model = tiny_tflite()
    capfd.readouterr()
    open_runtime(name, model).logits(tiny_encoded(2))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", RUNTIMES)
def test_rows_of_another_length_are_refused(name):
    runtime = open_runtime(name, tiny_tflite())
    with pytest.raises(InputError, match=f"rows of 8 tokens; the model takes {TOKENS}"):
        runtime.logits(tiny_encoded(2, tokens=8))


def test_an_unknown_engine_is_refused():
    with pytest.raises(InputError, match="accepted are litert, litert_reference, tflm"):
        open_runtime("onnx", tiny_tflite())


@pytest.mark.parametrize("name", RUNTIMES)
def test_float_logits_are_refused(name):
    with pytest.raises(InputError, match="logits are float32; int8 is accepted"):
        open_runtime(name, tiny_tflite(float_output=True))


@pytest.mark.parametrize("name", RUNTIMES)
def test_bytes_that_are_no_model_are_refused(name):
    with pytest.raises(InputError, match=r"not a \.tflite file"):
        open_runtime(name, b"no model")


def test_tflm_names_the_kernel_that_it_lacks(capfd):
    model = tiny_tflite(activation="gelu")
    capfd.readouterr()
    with pytest.raises(InputError, match=r"runtime tflm: it refuses .*GELU"):
        open_runtime("tflm", model)
    assert capfd.readouterr().err == ""
