"""What the student's layers compute in a .tflite: which tensor, in which int8 scale."""

import dataclasses

from ei_bert_tf.conversion import flatbuffer


@dataclasses.dataclass(frozen=True)
class LayerOutput:
    """An int8 tensor of the file.

    Attributes:
        index: its number.
        scale, zero_point: value = (int8 - zero_point) * scale.
    """

    index: int
    scale: float
    zero_point: int

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest value that it can hold."""
        low, high = -128 - self.zero_point, 127 - self.zero_point
        return low * self.scale, high * self.scale


def layer_outputs(model: bytes) -> dict[str, LayerOutput]:
    """The last int8 tensor that each layer of the student computes, by its name."""
    parsed = flatbuffer.parse_model(model)
    graph = parsed.subgraphs[0]
    found = {}
    for operator in graph.operators:
        for index in flatbuffer.tensor_indexes(operator.outputs):
            tensor = graph.tensors[index]
            name = flatbuffer.tensor_name(tensor)
            if name and flatbuffer.is_quantized(tensor):
                ranges = tensor.quantization
                found[name] = LayerOutput(
                    index, float(ranges.scale[0]), int(ranges.zeroPoint[0])
                )
    return found
