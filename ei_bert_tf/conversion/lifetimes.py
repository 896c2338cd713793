"""Which activations a .tflite needs at the same time: what its arena is made of."""

import dataclasses

import numpy as np

from ei_bert_tf.conversion import flatbuffer

_ALIGNMENT_BYTES = 16  # TFLM's, of every buffer in the arena.
_TYPE_BYTES = {"int8": 1, "int32": 4, "float32": 4}


@dataclasses.dataclass(frozen=True)
class Activation:
    """A tensor that is computed and not stored in the file.

    Attributes:
        layer: its name: the student's layer that it came out of, or an input's.
        bytes: as the arena aligns it.
    """

    layer: str
    bytes: int


@dataclasses.dataclass(frozen=True)
class Step:
    """One operator as it runs.

    Attributes:
        op: its name.
        layer: of its output.
        live: activations that have to be in memory, the largest first.
    """

    op: str
    layer: str
    live: list[Activation]

    @property
    def live_bytes(self) -> int:
        """Of all of them: no arena is smaller, whatever its planner does."""
        return sum(activation.bytes for activation in self.live)


def lifetimes(model: bytes) -> list[Step]:
    """The operators in the order in which they run.

    An activation lives from the operator that writes it to the last that reads it; the
    graph's inputs from the first on, its outputs to the last. TFLM plans the same
    lifetimes, so its arena is the largest live_bytes, what the planner can't pack, and
    what the interpreter keeps beside (structures, scratch of kernels).
    """
    parsed = flatbuffer.parse_model(model)
    graph = parsed.subgraphs[0]
    operators = graph.operators
    first = dict.fromkeys(flatbuffer.tensor_indexes(graph.inputs), 0)
    last = dict.fromkeys(flatbuffer.tensor_indexes(graph.outputs), len(operators) - 1)
    for number, operator in enumerate(operators):
        for index in flatbuffer.tensor_indexes(operator.inputs):
            last[index] = max(last.get(index, 0), number)
        for index in flatbuffer.tensor_indexes(operator.outputs):
            first[index] = number
            last.setdefault(index, number)
    activations = {
        index: Activation(
            flatbuffer.tensor_name(graph.tensors[index]), _bytes(graph.tensors[index])
        )
        for index in first
        if not flatbuffer.is_constant(parsed, graph.tensors[index])
    }
    steps = []
    for number, operator in enumerate(operators):
        live = [
            activation
            for index, activation in activations.items()
            if first[index] <= number <= last.get(index, -1)
        ]
        output = flatbuffer.tensor_indexes(operator.outputs)[0]
        steps.append(
            Step(
                flatbuffer.operator_name(parsed, operator),
                flatbuffer.tensor_name(graph.tensors[output]),
                sorted(live, key=lambda activation: -activation.bytes),
            )
        )
    return steps


def _bytes(tensor) -> int:
    count = int(np.prod(tensor.shape)) if tensor.shape is not None else 1
    size = count * _TYPE_BYTES[flatbuffer.type_name(tensor)]
    return -(-size // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES
