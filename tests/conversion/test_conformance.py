"""Every rule: a model that keeps them all passes, one that breaks one is refused."""

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as schema

from ei_bert_tf.conversion import flatbuffer
from ei_bert_tf.conversion.conformance import (
    ALLOWED_OPS,
    ConformanceError,
    check_conformance,
    operators,
)
from tests.tiny_models import TOKENS, tiny_tflite


def _edited(edit, **options) -> bytes:
    """The tiny model after `edit(model, graph)` changed its unpacked objects."""
    model = flatbuffer.parse_model(tiny_tflite(**options))
    edit(model, model.subgraphs[0])
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _refusal(
    model: bytes, *, tokens: int = TOKENS, outputs: int = 2, pair=False
) -> str:
    with pytest.raises(ConformanceError) as caught:
        check_conformance(model, tokens=tokens, outputs=outputs, pair=pair)
    message = str(caught.value)
    assert "\n" not in message
    return message


def _node(model, graph, name: str):
    return next(
        node
        for node in graph.operators
        if flatbuffer.operator_name(model, node) == name
    )


@pytest.mark.parametrize(
    ("outputs", "pair"), [(2, False), (1, False), (3, True), (2, True)]
)
def test_a_student_passes(outputs, pair):
    model = tiny_tflite(outputs=outputs, pair=pair)
    check_conformance(model, tokens=TOKENS, outputs=outputs, pair=pair)


def test_tanh_is_accepted():
    model = tiny_tflite(activation="tanh")
    check_conformance(model, tokens=TOKENS, outputs=2, pair=False)


def test_the_editing_of_these_tests_changes_nothing_by_itself():
    model = _edited(lambda model, graph: None)
    check_conformance(model, tokens=TOKENS, outputs=2, pair=False)


def test_operators():
    assert operators(tiny_tflite()) == [
        {"name": "ADD", "version": 2, "types": ["int8"]},
        {"name": "FULLY_CONNECTED", "version": 4, "types": ["int8"]},
        {"name": "GATHER", "version": 2, "types": ["int32", "int8"]},
        {"name": "RESHAPE", "version": 1, "types": ["int8"]},
    ]


def test_operators_of_a_float_model():
    found = {entry["name"]: entry["types"] for entry in operators(_float())}
    assert found["GATHER"] == ["float32", "int32"]


def _float() -> bytes:
    return tiny_tflite(quantized=False)


def test_a_float_model_is_refused():
    assert "is float32; accepted are int8 and int32" in _refusal(_float())


def test_a_float_output_is_refused():
    assert "is DEQUANTIZE" in _refusal(tiny_tflite(float_output=True))


def test_a_weight_with_a_zero_point_is_refused():
    message = _refusal(tiny_tflite(symmetric=False))
    assert "of GATHER has zero point" in message


def test_a_fully_connected_weight_with_a_zero_point_is_refused():
    def edit(model, graph):
        weight = _node(model, graph, "FULLY_CONNECTED").inputs[1]
        graph.tensors[weight].quantization.zeroPoint = [0, 3]

    assert "of FULLY_CONNECTED has zero point 3" in _refusal(_edited(edit))


def _set_operator(value: int):
    def edit(model, graph):
        code = flatbuffer.operator_code(model, _node(model, graph, "ADD"))
        code.builtinCode = value
        code.deprecatedBuiltinCode = min(value, 127)

    return edit


_BUILTINS = {
    name: value
    for name, value in vars(schema.BuiltinOperator).items()
    if not name.startswith("_")
}


@pytest.mark.parametrize(
    "name", ["GELU", "CUSTOM", "LOGISTIC", "EMBEDDING_LOOKUP", "DIV", "DEQUANTIZE"]
)
def test_another_operator_is_refused(name):
    assert f"is {name};" in _refusal(_edited(_set_operator(_BUILTINS[name])))


@pytest.mark.parametrize("name", sorted(ALLOWED_OPS))
def test_allowed_operators_are_builtins_and_pass(name):
    model = _edited(_set_operator(_BUILTINS[name]))
    # GATHER and FULLY_CONNECTED then read the sum's activations as a weight: none
    # is a constant, so no rule is broken.
    check_conformance(model, tokens=TOKENS, outputs=2, pair=False)


def test_an_operator_of_the_converter_is_refused():
    assert "is GELU;" in _refusal(tiny_tflite(activation="gelu"))


def test_two_subgraphs_are_refused():
    def edit(model, graph):
        model.subgraphs.append(graph)

    assert "2 subgraphs" in _refusal(_edited(edit))


def _rename_signature(model, graph):
    model.signatureDefs[0].signatureKey = b"classify"


def _add_signature(model, graph):
    model.signatureDefs.append(model.signatureDefs[0])


def _drop_signatures(model, graph):
    model.signatureDefs = None


@pytest.mark.parametrize("edit", [_rename_signature, _add_signature, _drop_signatures])
def test_another_signature_is_refused(edit):
    assert "exactly one, serving_default" in _refusal(_edited(edit))


def test_segment_ids_without_a_pair_are_refused():
    assert "inputs ['ids', 'mask', 'segment_ids']" in _refusal(tiny_tflite(pair=True))


def test_a_pair_without_segment_ids_is_refused():
    message = _refusal(tiny_tflite(), pair=True)
    assert "exactly ['ids', 'mask', 'segment_ids'] are accepted" in message


def test_another_input_name_is_refused():
    def edit(model, graph):
        model.signatureDefs[0].inputs[0].name = b"input_ids"

    assert "inputs ['input_ids', 'mask']" in _refusal(_edited(edit))


def test_another_output_name_is_refused():
    def edit(model, graph):
        model.signatureDefs[0].outputs[0].name = b"scores"

    assert "outputs ['scores']" in _refusal(_edited(edit))


def test_an_output_beside_the_signature_is_refused():
    def edit(model, graph):
        graph.outputs = [*graph.outputs, graph.outputs[0] - 1]

    assert "the graph's outputs are tensors" in _refusal(_edited(edit))


def test_another_length_is_refused():
    message = _refusal(tiny_tflite(), tokens=TOKENS + 1)
    assert "ids is int32 [1, 7]; int32 [1, 8] is accepted" in message


def test_another_number_of_outputs_is_refused():
    message = _refusal(tiny_tflite(), outputs=3)
    assert message == "model: logits is int8 [1, 2]; int8 [1, 3] is accepted"


def test_an_int8_input_is_refused():
    def edit(model, graph):
        graph.tensors[graph.inputs[0]].type = schema.TensorType.INT8

    assert "is int8 [1, 7]; int32 [1, 7] is accepted" in _refusal(_edited(edit))


@pytest.mark.parametrize(
    "name", ["FLOAT16", "FLOAT64", "INT16", "UINT8", "INT64", "BFLOAT16"]
)
def test_another_type_is_refused(name):
    def edit(model, graph):
        output = _node(model, graph, "ADD").outputs[0]
        graph.tensors[output].type = getattr(schema.TensorType, name)

    assert f"is {name.lower()}; accepted are int8 and int32" in _refusal(_edited(edit))


@pytest.mark.parametrize("scales", [[], [0.1, 0.2]])
def test_an_activation_without_exactly_one_scale_is_refused(scales):
    def edit(model, graph):
        output = _node(model, graph, "ADD").outputs[0]
        graph.tensors[output].quantization.scale = scales

    message = _refusal(_edited(edit))
    assert f"has {len(scales)} scales; exactly one is accepted" in message


def test_an_activation_without_quantization_is_refused():
    def edit(model, graph):
        output = _node(model, graph, "ADD").outputs[0]
        graph.tensors[output].quantization = None

    assert "has 0 scales; exactly one is accepted" in _refusal(_edited(edit))


def test_a_weight_without_a_scale_is_refused():
    def edit(model, graph):
        weight = _node(model, graph, "FULLY_CONNECTED").inputs[1]
        graph.tensors[weight].quantization.scale = []

    assert "has 0 scales; at least one is accepted" in _refusal(_edited(edit))


def test_an_int8_bias_is_refused():
    def edit(model, graph):
        bias = _node(model, graph, "FULLY_CONNECTED").inputs[2]
        graph.tensors[bias].type = schema.TensorType.INT8

    message = _refusal(_edited(edit))
    assert "of FULLY_CONNECTED is int8; int32 is accepted" in message


def test_a_missing_bias_is_accepted():
    def edit(model, graph):
        node = _node(model, graph, "FULLY_CONNECTED")
        node.inputs = [node.inputs[0], node.inputs[1], -1]

    check_conformance(_edited(edit), tokens=TOKENS, outputs=2, pair=False)


@pytest.mark.parametrize(
    "model", [b"", b"not a model at all", tiny_tflite()[:200]], ids=["0", "text", "cut"]
)
def test_bytes_that_are_no_model_are_refused(model):
    assert ".tflite file" in _refusal(model)
