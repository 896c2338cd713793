"""What a .tflite costs on a microcontroller, predicted from its operators.

Instructions of TensorFlow Lite Micro with CMSIS-NN kernels, from coefficients that
benchmarks/operator_costs.py fits on recorded runs of an emulated core. SOFTMAX is
counted for scores that are all alike, its most expensive case.

M rows, L columns and K inner elements of a product.
"""

import dataclasses
import json
import math
import pathlib
from collections.abc import Mapping, Sequence

from ei_bert_tf.conversion import flatbuffer

COSTS = pathlib.Path(__file__).with_name("device_cost.json")
CORES = ("cortex-m7",)
_BROADCAST = ("ADD", "MUL", "SUB")
_FAST_RANK = 3


@dataclasses.dataclass(frozen=True)
class Operator:
    """One node of a graph.

    Attributes:
        kind: its name, for example SOFTMAX.
        inputs: shapes, the absent ones left out.
        output: shape of the first.
    """

    kind: str
    inputs: Sequence[Sequence[int]]
    output: Sequence[int]


def model_operators(model: bytes) -> list[Operator]:
    """The operators of a file as they run."""
    parsed = flatbuffer.parse_model(model)
    graph = parsed.subgraphs[0]

    def shape(index: int) -> list[int]:
        found = graph.tensors[index].shape
        return [] if found is None else [int(size) for size in found]

    return [
        Operator(
            flatbuffer.operator_name(parsed, operator),
            [shape(index) for index in flatbuffer.tensor_indexes(operator.inputs)],
            shape(flatbuffer.tensor_indexes(operator.outputs)[0]),
        )
        for operator in graph.operators
    ]


def cost_kind(operator: Operator) -> str:
    """Its kernel: operators of a kind that take another loop have another name."""
    kind = operator.kind
    if kind == "FULLY_CONNECTED":
        fast = len(operator.output) >= _FAST_RANK and operator.inputs[1][-1] % 4 == 0
        return kind if fast else f"{kind} by vectors"
    if kind in _BROADCAST and operator.inputs[0] != operator.inputs[1]:
        return f"{kind} with broadcasting"
    return kind


def cost_features(operator: Operator) -> list[float]:
    """What an operator's instructions are a sum of, each with a coefficient."""
    elements = math.prod(operator.output)
    if operator.kind == "FULLY_CONNECTED":
        columns, inner = operator.output[-1], operator.inputs[1][-1]
        rows = elements // columns
        odd_rows, odd_columns = rows % 2, columns % 2
        return [
            1.0,
            columns,
            columns * inner,
            elements,
            # Kernels take 16 elements at once, then 4, and rows and columns in pairs.
            (columns - odd_columns) * (rows - odd_rows) * (inner - inner % 16),
            (columns - odd_columns) * (rows - odd_rows) * (inner % 16),
            (columns - odd_columns) * odd_rows * inner,
            odd_columns * rows * inner,
        ]
    if operator.kind == "SOFTMAX":
        return [1.0, elements // operator.output[-1], elements]
    return [1.0, elements]


def operator_instructions(
    operator: Operator, costs: Mapping[str, Sequence[float]]
) -> float:
    """Predicted instructions of one operator.

    Raises:
        ValueError: there are no coefficients for its kind.
    """
    kind = cost_kind(operator)
    if kind not in costs:
        raise ValueError(f"device cost: nothing is known of {kind}")
    features = cost_features(operator)
    return math.fsum(x * cost for x, cost in zip(features, costs[kind], strict=True))


def device_cost(model: bytes, core: str = CORES[0]) -> dict:
    """Instructions of an inference, and of each kind of operator, the dearest first.

    Returns:
        `{core, kernels, instructions, operators: [{op, count, instructions, share}],
        uncounted: [op]}`, the last of kinds of which nothing is known, and which are in
        no sum.
    """
    costs = json.loads(COSTS.read_text("utf-8"))[core]
    found: dict[str, list[float]] = {}
    uncounted = set()
    for operator in model_operators(model):
        if cost_kind(operator) not in costs:
            uncounted.add(operator.kind)
            continue
        spent = operator_instructions(operator, costs)
        found.setdefault(operator.kind, []).append(spent)
    total = math.fsum(value for values in found.values() for value in values)
    rows = [
        {
            "op": kind,
            "count": len(values),
            "instructions": round(math.fsum(values)),
            "share": math.fsum(values) / total,
        }
        for kind, values in found.items()
    ]
    return {
        "core": core,
        "kernels": "CMSIS-NN",
        "instructions": round(total),
        "operators": sorted(rows, key=lambda row: -row["instructions"]),
        "uncounted": sorted(uncounted),
    }
