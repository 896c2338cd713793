"""Attention one head after the other computes what batched products did."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from tflite_micro import runtime as tflm

from ei_bert_tf.compat import tf
from ei_bert_tf.conversion import flatbuffer
from ei_bert_tf.conversion.attention import rewrite_attention
from ei_bert_tf.conversion.editing import GraphEditor
from tests.tiny_models import int8_tflite, operators, tiny_tflite

TOKENS, SIZE, PENALTY = 7, 4, 6.0
FORMS = {"softmax": tf.nn.softmax, "relu": tf.nn.relu}


def attention(heads, queries=TOKENS, key_low=-1.0, of_token=0.0, form="softmax"):
    """Int8 attention of `heads`, as the converter writes it.

    The ranges of keys and values have zero point 0 if they begin at -1.
    """
    width = heads * SIZE
    kernel = np.eye(width, dtype=np.float32)[::-1] * 1.5
    shapes = {"query": queries, "key": TOKENS, "value": TOKENS}
    signature = [tf.TensorSpec((1, TOKENS), tf.int32, name="mask")] + [
        tf.TensorSpec((1, count, width), name=name) for name, count in shapes.items()
    ]

    def split(x):
        x = tf.reshape(x, (1, -1, heads, SIZE))
        return tf.transpose(x, (0, 2, 1, 3))

    @tf.function(input_signature=signature, autograph=False)
    def attend(mask, query, key, value):
        # exp(-6) is little, and no score is as large as 20.
        penalty = PENALTY if form == "softmax" else 20.0
        bias = tf.gather(tf.constant([-penalty, of_token]), mask)
        scores = tf.matmul(split(3.0 * query), split(key), transpose_b=True)
        weights = FORMS[form](scores + tf.reshape(bias, (1, 1, 1, TOKENS)))
        context = tf.transpose(tf.matmul(weights, split(value)), (0, 2, 1, 3))
        return tf.matmul(tf.reshape(context, (1, queries, width)), kernel)

    def samples():
        generator = np.random.default_rng(0)
        for row in range(20):
            mask = (np.arange(TOKENS) <= row % TOKENS).astype(np.int32)
            found = [mask[None]]
            for name, count in shapes.items():
                low = -1.0 if name == "value" else key_low
                values = generator.uniform(low, 127 / 128, (1, count, width))
                values.flat[:2] = low, 127 / 128
                found.append(values.astype(np.float32))
            yield found

    return int8_tflite(attend, samples)


def rewritten(model):
    editor = GraphEditor(model)
    rewrite_attention(editor)
    return editor.finished()


def inputs_of(model, tokens, seed):
    """Random int8 inputs, and a mask of so many tokens."""
    generator = np.random.default_rng(seed)
    graph = flatbuffer.parse_model(model).subgraphs[0]
    tensors = [graph.tensors[index] for index in graph.inputs]
    mask = (np.arange(TOKENS) < tokens).astype(np.int32)[None]
    return [
        mask
        if flatbuffer.type_name(tensor) == "int32"
        else generator.integers(-128, 128, tensor.shape, np.int8)
        for tensor in tensors
    ]


def tflm_result(model, inputs):
    interpreter = tflm.Interpreter.from_bytes(model, arena_size=1 << 20)
    for number, values in enumerate(inputs):
        interpreter.set_input(values, number)
    interpreter.invoke()
    return np.array(interpreter.get_output(0)).astype(int)


def litert_result(model, inputs):
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    details = interpreter.get_input_details()
    for detail, values in zip(details, inputs, strict=True):
        interpreter.set_tensor(detail["index"], values)
    interpreter.invoke()
    (detail,) = interpreter.get_output_details()
    return interpreter.get_tensor(detail["index"]).astype(int)


def relu_products(model):
    """How many FULLY_CONNECTED say that they have a ReLU, whatever their range does."""
    parsed = flatbuffer.parse_model(model)
    return sum(
        operator.builtinOptions.fusedActivationFunction
        == schema.ActivationFunctionType.RELU
        for operator in parsed.subgraphs[0].operators
        if flatbuffer.operator_name(parsed, operator) == "FULLY_CONNECTED"
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("heads", "queries"), [(1, TOKENS), (2, TOKENS), (3, TOKENS), (2, 1)]
)
def test_the_result_is_that_of_batched_products(heads, queries, form):
    model = attention(heads, queries, form=form)
    assert "BATCH_MATMUL" in operators(model)
    ours = rewritten(model)
    found = operators(ours)
    assert "BATCH_MATMUL" not in found and "ADD" not in found
    assert found.count("SOFTMAX") == (heads if form == "softmax" else 0)
    assert "RELU" not in found
    assert found.count("FULLY_CONNECTED") == 2 * heads + 1
    assert relu_products(ours) == (heads if form == "relu" else 0)
    for tokens in (1, 3, TOKENS):
        inputs = inputs_of(model, tokens, seed=tokens)
        wanted = tflm_result(model, inputs)
        # ReLU's sums grow with the tokens, of which the range has the most.
        assert np.ptp(wanted) > {"softmax": 100, "relu": 30}[form]
        # The scores are rounded once, not twice, which moves a weight by a few 256ths.
        assert np.abs(tflm_result(ours, inputs) - wanted).max() <= 4
        assert np.abs(litert_result(ours, inputs) - wanted).max() <= 4


def moved_by_padding(model):
    """The most by which a result moves with the values of 4 padding tokens of 7."""
    inputs = inputs_of(model, 3, seed=1)
    wanted = tflm_result(model, inputs)
    graph = flatbuffer.parse_model(model).subgraphs[0]
    for values, index in zip(inputs, graph.inputs, strict=True):
        if "value" in flatbuffer.tensor_name(graph.tensors[index]):
            values[:, 3:] = 127
    return np.abs(tflm_result(model, inputs) - wanted).max()


def test_padding_has_no_say():
    # exp(-6) for each of 4 tokens against 3, at most 254 steps apart.
    assert 0 < moved_by_padding(rewritten(attention(2))) < 60
    assert moved_by_padding(rewritten(attention(2, form="relu"))) == 0


def test_keys_of_another_zero_point_are_refused():
    with pytest.raises(ValueError, match=r"zero point -?\d+; 0"):
        rewritten(attention(2, key_low=-0.5))


def test_a_mask_that_adds_to_tokens_is_refused():
    with pytest.raises(ValueError, match="to the scores of a token"):
        rewritten(attention(2, of_token=1.0))


def test_a_file_without_attention_keeps_its_operators():
    assert operators(rewritten(tiny_tflite())) == operators(tiny_tflite())
