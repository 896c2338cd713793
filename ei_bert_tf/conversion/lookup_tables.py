"""4-bit weights for TensorFlow Lite Micro: the same numbers in half the bytes.

A weight of FULLY_CONNECTED with at most 16 values becomes a table of them and indexes
of 4 bits, which TFLM's DECODE unpacks before each use. What GATHER reads would be
unpacked as a whole: the embedding's table holds two values of 4 bits in a byte instead,
and operators that are exact take the rows apart.

T tokens, E embedding, I inputs and O outputs of a FULLY_CONNECTED.
"""

import copy
import itertools
from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from tflite_micro import compression

from ei_bert_tf.conversion.editing import GraphEditor
from ei_bert_tf.conversion.lifetimes import Step, lifetimes
from ei_bert_tf.conversion.naming import drop_names

LUT_VALUES = 16
# Symmetric: with -8, a byte of two halves would not fit into int8.
LARGEST_HALF = 7
_HALF_SPAN = 16
# Kernels round twice: to whole numbers after a factor in 0.5..1, then after a shift.
# With this factor the first rounding gives the number back; with 0.5, 39 / 16 became 3.
_FACTOR = 1 - 2**-10
# Below, the operator and its tensors take as many bytes as the indexes save.
LEAST_WEIGHTS = 1_024
_MOST_PARTS = 10  # Inputs of TFLM's CONCATENATION.


def with_lookup_tables(model: bytes, least_weights: int = LEAST_WEIGHTS) -> bytes:
    """The file with its clustered weights at 4 bits or less each.

    TFLM computes the same integers as from `model`; other runtimes have no DECODE. A
    decoded weight lies in the arena while it is used, so that large ones are cut along
    their outputs, into no more parts than lower the arena.

    Args:
        model: int8 .tflite whose weights have been clustered.
        least_weights: smaller weights stay as they are.

    Raises:
        ValueError: no weight has so few values.
    """
    editor = GraphEditor(model)
    counts = _part_counts(editor, lifetimes(model), least_weights)
    operators: list[schema.OperatorT] = []
    parts: dict[tuple[int, int], list[int]] = {}
    for operator, count in zip(editor.graph.operators, counts, strict=True):
        if editor.name(operator) == "GATHER":
            operators += _packed_gather(editor, operator, least_weights)
        elif count > 1:
            operators += _cut(editor, operator, count, parts)
        else:
            operators.append(operator)
    editor.graph.operators = operators
    drop_names(editor)
    return _compressed(editor.finished(), least_weights)


def _compressed(model: bytes, least_weights: int) -> bytes:
    """Every weight with few values as a table and indexes."""
    editor = GraphEditor(model)
    clustered = {
        int(operator.inputs[1]): len(np.unique(weight))
        for operator in editor.graph.operators
        if (weight := _clustered(editor, operator, least_weights)) is not None
    }
    if not clustered:
        raise ValueError(
            f"model: no weight of FULLY_CONNECTED has at most {LUT_VALUES} values"
        )
    specs = compression.SpecBuilder()
    for tensor, values in clustered.items():
        bits = max(1, (values - 1).bit_length())
        mode = compression.spec.PerTensor()
        specs.add_tensor(subgraph=0, tensor=tensor).with_lut(bits, mode)
    return bytes(compression.compress(model, specs.build()))


def _clustered(
    editor: GraphEditor, operator: schema.OperatorT, least: int
) -> np.ndarray | None:
    """The weight int8 [O, I] of a FULLY_CONNECTED that a table can hold."""
    if editor.name(operator) != "FULLY_CONNECTED":
        return None
    weight = editor.constant_values(int(operator.inputs[1]))
    if weight is None or weight.dtype != np.int8 or weight.size < least:
        return None
    return weight if len(np.unique(weight)) <= LUT_VALUES else None


def _part_counts(editor: GraphEditor, steps: Sequence[Step], least: int) -> list[int]:
    """Into how many parts each operator's weight is cut; 1 for all others.

    The fewest with which no operator needs more memory than the one that needs most
    when it is cut best.
    """
    needs: list[list[int]] = []
    for operator, step in zip(editor.graph.operators, steps, strict=True):
        weight = _clustered(editor, operator, least)
        if weight is None:
            needs.append([step.live_bytes])
            continue
        output = editor.graph.tensors[int(operator.outputs[0])]
        # Where the parts are joined, they lie beside the whole.
        joined = step.live_bytes + int(np.prod(output.shape))
        most = min(_MOST_PARTS, len(weight))
        whole = step.live_bytes + weight.size
        cut = [
            max(joined, step.live_bytes + weight.size // count)
            for count in range(2, most + 1)
        ]
        needs.append([whole, *cut])
    limit = max(min(found) for found in needs)
    return [
        next(count for count, need in enumerate(found, 1) if need <= limit)
        for found in needs
    ]


def _cut(
    editor: GraphEditor,
    operator: schema.OperatorT,
    count: int,
    parts: dict[tuple[int, int], list[int]],
) -> list[schema.OperatorT]:
    """A FULLY_CONNECTED as several, each with some of the outputs."""
    source, weight, bias = map(int, operator.inputs)
    result = int(operator.outputs[0])
    shape = editor.shape(result)
    ends = np.linspace(0, shape[-1], count + 1).astype(int)

    def cut(tensor: int) -> list[int]:
        key = tensor, count
        if key not in parts:
            whole = editor.constant_values(tensor)
            scale, _ = editor.range(tensor)
            parts[key] = [
                editor.constant(whole[start:end], scale)
                for start, end in itertools.pairwise(ends)
            ]
        return parts[key]

    biases = cut(bias) if bias >= 0 else [-1] * count
    found, outputs = [], []
    for part, part_bias in zip(cut(weight), biases, strict=True):
        rows = editor.shape(part)[0]
        outputs.append(editor.like(result, [*shape[:-1], rows]))
        one = copy.copy(operator)
        one.inputs, one.outputs = [source, part, part_bias], [outputs[-1]]
        found.append(one)
    return [*found, _concatenation(editor, outputs, result)]


def _packed_gather(
    editor: GraphEditor, operator: schema.OperatorT, least: int
) -> list[schema.OperatorT]:
    """A GATHER from a table with two values a byte, and what takes the rows apart.

    A byte is 16 a + b with a and b in -7..7: a is the byte divided by 16, rounded, and
    b what is left.
    """
    table, ids = map(int, operator.inputs)
    values = editor.constant_values(table)  # [V, E]
    if (
        values is None
        or values.dtype != np.int8
        or values.ndim != 2
        or values.size < least
        or values.shape[1] % 2
        or np.abs(values.astype(int)).max() > LARGEST_HALF
    ):
        return [operator]
    half = values.shape[1] // 2
    result = int(operator.outputs[0])
    shape = editor.shape(result)
    scale, _ = editor.range(result)
    fine = float(np.float32(scale * _FACTOR / _HALF_SPAN))

    def rows(scale: float) -> int:
        return editor.like(result, [*shape[:-1], half], scale=scale)

    both, first, rest, second = rows(fine), rows(scale), rows(fine), rows(scale)
    packed = _HALF_SPAN * values[:, :half].astype(int) + values[:, half:]
    operator.inputs = [editor.constant(packed.astype(np.int8), fine), ids]
    operator.outputs = [both]
    sixteen = editor.constant([_HALF_SPAN], 1.0)
    return [
        operator,
        editor.operator("QUANTIZE", [both], [first], schema.QuantizeOptionsT()),
        editor.operator("SUB", [both, first], [rest], schema.SubOptionsT()),
        editor.operator("MUL", [rest, sixteen], [second], schema.MulOptionsT()),
        _concatenation(editor, [first, second], result),
    ]


def _concatenation(
    editor: GraphEditor, parts: list[int], result: int
) -> schema.OperatorT:
    """Joins along the last axis."""
    options = schema.ConcatenationOptionsT()
    options.axis = len(editor.shape(result)) - 1
    return editor.operator("CONCATENATION", parts, [result], options)
