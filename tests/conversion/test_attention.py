"""Products by heads give what batched products gave."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from tflite_micro import runtime as tflm

from ei_bert_tf.compat import tf
from ei_bert_tf.conversion import flatbuffer
from ei_bert_tf.conversion.attention import rewrite_attention
from tests.tiny_models import tiny_tflite

ROWS, COLUMNS, INNER = 5, 7, 3


def attention(heads, adj_y, turned=True, adj_x=False, used_twice=False):
    """Int8 [1, M, N, K] x [1, L or K, N, K or L] by heads, as the converter has it."""
    first = (1, ROWS, heads, INNER)
    second = (1, COLUMNS, heads, INNER) if adj_y else (1, INNER, heads, COLUMNS)
    if not turned:
        second = (1, heads, *second[1::2])
    if adj_x:
        first = (1, INNER, heads, ROWS)

    @tf.function(
        input_signature=[tf.TensorSpec(first), tf.TensorSpec(second)], autograph=False
    )
    def multiply(a, b):
        a = tf.transpose(a, (0, 2, 1, 3))
        b = tf.transpose(b, (0, 2, 1, 3)) if turned else b
        product = tf.matmul(a, b, transpose_a=adj_x, transpose_b=adj_y)
        return (product, 2.0 * b) if used_twice else product

    generator = np.random.default_rng(0)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [multiply.get_concrete_function()]
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: (
        # Ranges that are not symmetric: zero points other than 0.
        [
            generator.uniform(-1, 2, shape).astype(np.float32)
            for shape in (first, second)
        ]
        for _ in range(20)
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def operators(model):
    parsed = flatbuffer.parse_model(model)
    return [
        flatbuffer.operator_name(parsed, operator)
        for operator in parsed.subgraphs[0].operators
    ]


def tflm_results(model, inputs):
    interpreter = tflm.Interpreter.from_bytes(model, arena_size=1 << 20)
    for number, values in enumerate(inputs):
        interpreter.set_input(values, number)
    interpreter.invoke()
    parsed = flatbuffer.parse_model(model)
    return [
        np.array(interpreter.get_output(number))
        for number in range(len(parsed.subgraphs[0].outputs))
    ]


def litert_results(model, inputs):
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    details = interpreter.get_input_details()
    for detail, values in zip(details, inputs, strict=True):
        interpreter.set_tensor(detail["index"], values)
    interpreter.invoke()
    return [
        interpreter.get_tensor(detail["index"])
        for detail in interpreter.get_output_details()
    ]


@pytest.mark.parametrize(
    ("heads", "adj_y", "choices"),
    [
        (2, True, {}),
        (2, False, {}),
        (3, False, {"turned": False}),
        (3, False, {"used_twice": True}),
        (1, True, {}),
        (1, False, {}),
    ],
)
def test_every_result_is_the_same(heads, adj_y, choices):
    model = attention(heads, adj_y, **choices)
    rewritten = rewrite_attention(model)
    assert "BATCH_MATMUL" in operators(model)
    assert "BATCH_MATMUL" not in operators(rewritten)
    assert operators(rewritten).count("FULLY_CONNECTED") == heads
    generator = np.random.default_rng(1)
    for _ in range(10):
        inputs = [
            generator.integers(-128, 128, tensor.shape, np.int8)
            for tensor in (
                flatbuffer.parse_model(model).subgraphs[0].tensors[index]
                for index in flatbuffer.parse_model(model).subgraphs[0].inputs
            )
        ]
        wanted = tflm_results(model, inputs)
        for run, steps in ((tflm_results, 0), (litert_results, 1)):
            found = run(rewritten, inputs)
            for one, other in zip(found, wanted, strict=True):
                assert one.shape == other.shape
                # LiteRT rounds the requantization otherwise than TFLM.
                assert np.abs(one.astype(int) - other).max() <= steps
        assert max(np.ptp(result.astype(int)) for result in wanted) > 20


def test_a_product_that_can_turn_its_maker_adds_no_transpose():
    count = operators(attention(2, False)).count("TRANSPOSE")
    assert operators(rewrite_attention(attention(2, False))).count("TRANSPOSE") == count
    shared = attention(2, False, used_twice=True)
    assert operators(rewrite_attention(shared)).count("TRANSPOSE") == count + 1


def test_a_file_without_such_products_stays_as_it_is():
    assert rewrite_attention(tiny_tflite()) == tiny_tflite()


def test_a_first_input_that_is_read_transposed_is_refused():
    model = attention(2, True, adj_x=True)
    parsed = flatbuffer.parse_model(model)
    (product,) = (
        operator
        for operator in parsed.subgraphs[0].operators
        if flatbuffer.operator_name(parsed, operator) == "BATCH_MATMUL"
    )
    if not product.builtinOptions.adjX:
        pytest.fail("the converter does not leave adj_x any more")
    with pytest.raises(ValueError, match="first input transposed"):
        rewrite_attention(model)
