"""What a student's .tflite must satisfy before it is shipped.

T tokens, C outputs. A file that passes is full int8, has one signature with the
interface of the bundle, and holds only operators that the firmware registers.
"""

from ai_edge_litert import schema_py_generated as schema

from ei_bert_tf.conversion import flatbuffer

ALLOWED_OPS = frozenset(
    {
        "FULLY_CONNECTED",
        "SPLIT",
        "CONCATENATION",
        "SOFTMAX",
        "GATHER",
        "ADD",
        "MUL",
        "SUB",
        "RSQRT",
        "RESHAPE",
        "TRANSPOSE",
        "STRIDED_SLICE",
        "QUANTIZE",
        "TANH",
        "CAST",
    }
)

# The input that holds the weight: FULLY_CONNECTED (input, weight, bias) and GATHER
# (table, indexes).
_WEIGHT_INPUT = {"FULLY_CONNECTED": 1, "GATHER": 0}
_BIAS_INPUT = 2
_ACCEPTED_TYPES = ("int8", "int32")


class ConformanceError(ValueError):
    """The .tflite breaks a rule of the bundle. Its message is one line."""


def operators(model: bytes) -> list[dict]:
    """The kinds of operators in the file, sorted by name.

    Returns:
        One {"name", "version", "types"} a kind: the highest version used, and the
        sorted element types of its activations, inputs and outputs.
    """
    parsed = flatbuffer.parse_model(model)
    versions: dict[str, int] = {}
    types: dict[str, set[str]] = {}
    for graph in parsed.subgraphs:
        for operator in graph.operators or []:
            name = flatbuffer.operator_name(parsed, operator)
            version = flatbuffer.operator_code(parsed, operator).version
            versions[name] = max(version, versions.get(name, 0))
            indexes = [
                *flatbuffer.tensor_indexes(operator.inputs),
                *flatbuffer.tensor_indexes(operator.outputs),
            ]
            types.setdefault(name, set()).update(
                flatbuffer.type_name(graph.tensors[index])
                for index in indexes
                if not flatbuffer.is_constant(parsed, graph.tensors[index])
            )
    return [
        {"name": name, "version": versions[name], "types": sorted(types[name])}
        for name in sorted(versions)
    ]


def check_conformance(model: bytes, *, tokens: int, outputs: int, pair: bool) -> None:
    """Refuses a file that is not a full-int8 student with the bundle's interface.

    Args:
        model: the .tflite.
        tokens: T, the length of every input.
        outputs: C, the number of logits.
        pair: whether the input `segment_ids` is there.

    Raises:
        ConformanceError: naming the first rule broken, and by which tensor or op.
    """
    try:
        parsed = flatbuffer.parse_model(model)
        inputs, results = flatbuffer.signature_tensors(parsed)
    except ValueError as error:
        raise ConformanceError(str(error)) from error
    if len(parsed.subgraphs) != 1:
        raise ConformanceError(
            f"model: {len(parsed.subgraphs)} subgraphs; exactly 1 is accepted"
        )
    graph = parsed.subgraphs[0]
    _check_operators(parsed, graph)
    _check_types(graph)
    _check_interface(graph, inputs, results, tokens, outputs, pair)
    _check_quantization(parsed, graph)


def _check_operators(parsed: schema.ModelT, graph: schema.SubGraphT) -> None:
    names = [flatbuffer.operator_name(parsed, op) for op in graph.operators or []]
    if "DEQUANTIZE" in names:
        number = names.index("DEQUANTIZE")
        raise ConformanceError(
            f"model: op {number} is DEQUANTIZE; a part of the model is left in float"
        )
    for number, name in enumerate(names):
        if name not in ALLOWED_OPS:
            raise ConformanceError(
                f"model: op {number} is {name}; accepted are "
                f"{', '.join(sorted(ALLOWED_OPS))}"
            )


def _check_types(graph: schema.SubGraphT) -> None:
    for tensor in graph.tensors:
        found = flatbuffer.type_name(tensor)
        if found not in _ACCEPTED_TYPES:
            raise ConformanceError(
                f"model: tensor {flatbuffer.tensor_name(tensor)!r} is {found}; "
                "accepted are int8 and int32"
            )


def _check_interface(
    graph: schema.SubGraphT,
    inputs: dict[str, int],
    results: dict[str, int],
    tokens: int,
    outputs: int,
    pair: bool,
) -> None:
    expected = ["ids", "mask"] + (["segment_ids"] if pair else [])
    if sorted(inputs) != expected:
        raise ConformanceError(
            f"model: inputs {sorted(inputs)}; exactly {expected} are accepted"
        )
    if list(results) != ["logits"]:
        raise ConformanceError(
            f"model: outputs {sorted(results)}; exactly ['logits'] is accepted"
        )
    for direction, listed, named in (
        ("inputs", graph.inputs, inputs),
        ("outputs", graph.outputs, results),
    ):
        indexes = flatbuffer.tensor_indexes(listed)
        if sorted(indexes) != sorted(named.values()):
            raise ConformanceError(
                f"model: the graph's {direction} are tensors {sorted(indexes)}, the "
                f"signature's {sorted(named.values())}; they must be the same"
            )
    for name, index in inputs.items():
        _check_tensor(name, graph.tensors[index], "int32", [1, tokens])
    _check_tensor("logits", graph.tensors[results["logits"]], "int8", [1, outputs])


def _check_tensor(
    name: str, tensor: schema.TensorT, accepted_type: str, accepted_shape: list[int]
) -> None:
    found_type = flatbuffer.type_name(tensor)
    found_shape = [] if tensor.shape is None else [int(size) for size in tensor.shape]
    if (found_type, found_shape) != (accepted_type, accepted_shape):
        raise ConformanceError(
            f"model: {name} is {found_type} {found_shape}; "
            f"{accepted_type} {accepted_shape} is accepted"
        )


def _check_quantization(parsed: schema.ModelT, graph: schema.SubGraphT) -> None:
    codes = _codes(parsed, graph)
    for index, tensor in enumerate(graph.tensors):
        if flatbuffer.type_name(tensor) != "int8" or index in codes:
            continue
        scales = _parameters(tensor, "scale")
        constant = flatbuffer.is_constant(parsed, tensor)
        if not scales or (len(scales) > 1 and not constant):
            raise ConformanceError(
                f"model: int8 tensor {flatbuffer.tensor_name(tensor)!r} has "
                f"{len(scales)} scales; "
                f"{'at least one' if constant else 'exactly one'} is accepted"
            )
    for operator in graph.operators or []:
        name = flatbuffer.operator_name(parsed, operator)
        if name in _WEIGHT_INPUT:
            weight = graph.tensors[operator.inputs[_WEIGHT_INPUT[name]]]
            _check_symmetric(parsed, name, weight)
        if name == "FULLY_CONNECTED" and len(operator.inputs) > _BIAS_INPUT:
            bias = operator.inputs[_BIAS_INPUT]
            if bias >= 0 and flatbuffer.type_name(graph.tensors[bias]) != "int32":
                raise ConformanceError(
                    "model: bias "
                    f"{flatbuffer.tensor_name(graph.tensors[bias])!r} of "
                    f"FULLY_CONNECTED is {flatbuffer.type_name(graph.tensors[bias])}; "
                    "int32 is accepted"
                )


def _codes(parsed: schema.ModelT, graph: schema.SubGraphT) -> set[int]:
    """What CAST makes indexes of: a product embedding's codes, and their table."""
    found: set[int] = set()
    for operator in reversed(graph.operators or []):
        name = flatbuffer.operator_name(parsed, operator)
        if name == "CAST" or (name == "GATHER" and operator.outputs[0] in found):
            found.add(int(operator.inputs[0]))
    return found


def _check_symmetric(parsed: schema.ModelT, name: str, weight: schema.TensorT) -> None:
    if not flatbuffer.is_constant(parsed, weight):
        return
    zero_points = _parameters(weight, "zeroPoint")
    if any(zero_points):
        zero_point = next(int(value) for value in zero_points if value)
        raise ConformanceError(
            f"model: weight {flatbuffer.tensor_name(weight)!r} of {name} has zero "
            f"point {zero_point}; 0 (a symmetric weight) is accepted"
        )


def _parameters(tensor: schema.TensorT, field: str) -> list:
    """The scales or zero points of a tensor; empty when it has none."""
    if tensor.quantization is None:
        return []
    values = getattr(tensor.quantization, field)
    return [] if values is None else list(values)
