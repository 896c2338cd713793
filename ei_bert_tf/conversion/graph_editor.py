"""Adds tensors and operators to a .tflite, and drops what nothing reads any more."""

import copy
from collections.abc import Sequence

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ei_bert_tf.conversion import flatbuffer

_IDENTIFIER = b"TFL3"
_TYPES = {
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.int32): schema.TensorType.INT32,
}


class GraphEditor:
    """A parsed file of one subgraph that operators can be added to.

    Attributes:
        model, graph: the parsed file and its subgraph; `graph.operators` is the
            caller's to replace.
    """

    def __init__(self, model: bytes):
        self.model = flatbuffer.parse_model(model)
        self.graph = self.model.subgraphs[0]

    def constant_values(self, tensor: int) -> np.ndarray | None:
        """The int8 or int32 values of a constant in its shape; None for any other."""
        found = self.graph.tensors[tensor]
        kinds = {kind: dtype for dtype, kind in _TYPES.items()}
        if found.type not in kinds or not flatbuffer.is_constant(self.model, found):
            return None
        values = self.model.buffers[found.buffer].data.view(kinds[found.type])
        return values.reshape([int(size) for size in found.shape])

    def activation(self, like: int, shape: Sequence[int], scale: float | None = None):
        """The number of a new tensor with the type and range of another.

        Args:
            scale: in place of the other's.
        """
        tensor = schema.TensorT()
        tensor.shape = [int(size) for size in shape]
        tensor.type = self.graph.tensors[like].type
        tensor.quantization = copy.deepcopy(self.graph.tensors[like].quantization)
        if scale is not None:
            tensor.quantization.scale = [scale]
        return self._add(tensor)

    def constant(self, values: np.ndarray, quantization=None) -> int:
        """The number of a new constant int8 or int32 tensor."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        tensor = schema.TensorT()
        tensor.shape = list(values.shape)
        tensor.type = _TYPES[values.dtype]
        tensor.buffer = len(self.model.buffers) - 1
        tensor.quantization = copy.deepcopy(quantization)
        return self._add(tensor)

    def operator(
        self,
        name: str,
        version: int,
        inputs: Sequence[int],
        output: int,
        options=None,
    ) -> schema.OperatorT:
        """A new operator, not yet among the graph's."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code(name, version)
        operator.inputs, operator.outputs = list(inputs), [output]
        if options is not None:
            operator.builtinOptions = options
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        return operator

    def drop_names(self) -> None:
        """Takes the names of all tensors but the graph's inputs and outputs."""
        kept = {*map(int, self.graph.inputs), *map(int, self.graph.outputs)}
        for index, tensor in enumerate(self.graph.tensors):
            if index not in kept:
                tensor.name = b""

    def packed(self) -> bytes:
        """The file with what is used."""
        self._drop_tensors()
        self._drop_buffers()
        self._drop_codes()
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self.model.Pack(builder), _IDENTIFIER)
        return bytes(builder.Output())

    def _add(self, tensor: schema.TensorT) -> int:
        tensor.name = b""
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def _code(self, name: str, version: int) -> int:
        kind = getattr(schema.BuiltinOperator, name)
        for index, code in enumerate(self.model.operatorCodes):
            if code.builtinCode == kind and code.version == version:
                return index
        code = schema.OperatorCodeT()
        code.builtinCode, code.version = kind, version
        code.deprecatedBuiltinCode = min(kind, 127)
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def _drop_tensors(self) -> None:
        graph = self.graph
        lists = [graph.inputs, graph.outputs]
        for operator in graph.operators:
            lists += [operator.inputs, operator.outputs]
        used = sorted({int(x) for listed in lists for x in listed if x >= 0})
        places = {index: place for place, index in enumerate(used)}

        def moved(indexes) -> list[int]:
            return [places.get(int(index), -1) for index in indexes]

        graph.tensors = [graph.tensors[index] for index in used]
        graph.inputs, graph.outputs = moved(graph.inputs), moved(graph.outputs)
        for operator in graph.operators:
            operator.inputs = moved(operator.inputs)
            operator.outputs = moved(operator.outputs)
        for signature in self.model.signatureDefs:
            for entry in [*signature.inputs, *signature.outputs]:
                entry.tensorIndex = places[entry.tensorIndex]

    def _drop_buffers(self) -> None:
        owners = [*self.graph.tensors, *(self.model.metadata or [])]
        # Buffer 0 is the empty one of every activation.
        used = sorted({0, *(int(owner.buffer) for owner in owners)})
        places = {index: place for place, index in enumerate(used)}
        self.model.buffers = [self.model.buffers[index] for index in used]
        for owner in owners:
            owner.buffer = places[int(owner.buffer)]

    def _drop_codes(self) -> None:
        used = sorted({int(op.opcodeIndex) for op in self.graph.operators})
        places = {index: place for place, index in enumerate(used)}
        self.model.operatorCodes = [self.model.operatorCodes[index] for index in used]
        for operator in self.graph.operators:
            operator.opcodeIndex = places[int(operator.opcodeIndex)]
