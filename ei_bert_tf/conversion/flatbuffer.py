"""Reads and writes a .tflite: the objects of its schema and what is asked of them.

The schema module comes with the LiteRT wheel and imports no TensorFlow.
"""

import struct

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

SIGNATURE = "serving_default"
IDENTIFIER = b"TFL3"
_ROOM_BYTES = 1 << 16

_OPERATOR_NAMES = {
    value: name
    for name, value in vars(schema.BuiltinOperator).items()
    if not name.startswith("_")
}
_TYPE_NAMES = {
    value: name.lower()
    for name, value in vars(schema.TensorType).items()
    if not name.startswith("_")
}


def parse_model(model: bytes) -> schema.ModelT:
    """Unpacks the file.

    Raises:
        ValueError: the bytes are no .tflite, or are cut short.
    """
    if model[4:8] != IDENTIFIER:
        raise ValueError("model: not a .tflite file (its identifier is not TFL3)")
    try:
        return schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    except (ValueError, TypeError, IndexError, struct.error) as error:
        raise ValueError(f"model: a broken .tflite file ({error})") from error


def pack_model(
    model: schema.ModelT, kind: type[flatbuffers.Builder] = flatbuffers.Builder
) -> bytes:
    """The file, written by that kind of builder."""
    builder = kind(_ROOM_BYTES)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def operator_code(model: schema.ModelT, operator: schema.OperatorT):
    """The OperatorCodeT (kind and version) of one node."""
    return model.operatorCodes[operator.opcodeIndex]


def operator_name(model: schema.ModelT, operator: schema.OperatorT) -> str:
    """The builtin's name, for example FULLY_CONNECTED, or a custom operator's own."""
    code = operator_code(model, operator)
    # Old files hold the number in the one-byte field, new ones in the wide field.
    name = _OPERATOR_NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]
    return code.customCode.decode() if name == "CUSTOM" and code.customCode else name


def type_name(tensor: schema.TensorT) -> str:
    """The element type in lower case, for example int8."""
    return _TYPE_NAMES[tensor.type]


def is_quantized(tensor: schema.TensorT) -> bool:
    """Whether the tensor is int8 with a scale: not the codes of a product embedding,
    which are whole numbers."""
    ranges = tensor.quantization
    scales = None if ranges is None else ranges.scale
    return type_name(tensor) == "int8" and scales is not None and len(scales) > 0


def is_constant(model: schema.ModelT, tensor: schema.TensorT) -> bool:
    """Whether the file holds the tensor's values (a weight, not an activation)."""
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def tensor_name(tensor: schema.TensorT) -> str:
    """The tensor's name as text, empty where it has none."""
    return (tensor.name or b"").decode("utf-8", "replace")


def tensor_indexes(indexes) -> list[int]:
    """The tensor numbers of a node or graph, without the -1 of an absent one."""
    return [] if indexes is None else [int(index) for index in indexes if index >= 0]


def signature_tensors(model: schema.ModelT) -> tuple[dict[str, int], dict[str, int]]:
    """Tensor numbers of the `serving_default` signature: (inputs, outputs) by name.

    Raises:
        ValueError: that signature is not the only one.
    """
    signatures = model.signatureDefs or []
    keys = [signature.signatureKey.decode("utf-8") for signature in signatures]
    if keys != [SIGNATURE]:
        raise ValueError(
            f"model: signatures {keys}; exactly one, {SIGNATURE}, is accepted"
        )

    def by_name(maps) -> dict[str, int]:
        return {entry.name.decode("utf-8"): entry.tensorIndex for entry in maps or []}

    return by_name(signatures[0].inputs), by_name(signatures[0].outputs)
