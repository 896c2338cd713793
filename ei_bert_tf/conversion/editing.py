"""Changes the graph of a .tflite: new tensors, constants and operators."""

import copy
from collections.abc import Sequence

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ei_bert_tf.conversion import flatbuffer

_ALIGNMENT_BYTES = 16  # The format's, of the data of a buffer.
# Of the operators that are added where the file has none of their kind.
_VERSIONS = {
    "CONCATENATION": 2,
    "FULLY_CONNECTED": 5,
    "MUL": 2,
    "QUANTIZE": 2,
    "RESHAPE": 1,
    "SPLIT": 2,
    "SUB": 2,
    "TRANSPOSE": 2,
}


class _Builder(flatbuffers.Builder):
    """Writes equal names and equal lists of numbers once, and aligns the data of
    buffers, which the schema's own classes forget: int32 biases are read in place."""

    def __init__(self, room_bytes: int):
        super().__init__(room_bytes)
        self._written: dict[tuple, int] = {}

    def CreateString(self, s, *arguments):
        key = "name", bytes(s)
        if key not in self._written:
            self._written[key] = super().CreateString(s, *arguments)
        return self._written[key]

    def CreateNumpyVector(self, x):
        key = x.dtype.str, x.tobytes()
        if key not in self._written:
            self._written[key] = super().CreateNumpyVector(x)
        return self._written[key]

    def StartVector(self, elemSize, numElems, alignment):
        alignment = _ALIGNMENT_BYTES if elemSize == 1 else alignment
        return super().StartVector(elemSize, numElems, alignment)


class GraphEditor:
    """A parsed file that is being changed.

    Attributes:
        parsed: the file's objects.
        graph: its only subgraph.
    """

    def __init__(self, model: bytes):
        self.parsed = flatbuffer.parse_model(model)
        self.graph = self.parsed.subgraphs[0]
        self._codes = {
            flatbuffer.operator_name(self.parsed, op): int(op.opcodeIndex)
            for op in self.graph.operators
        }
        self._constants: dict[tuple, int] = {}

    def name(self, operator: schema.OperatorT) -> str:
        """The kind of an operator, such as FULLY_CONNECTED."""
        return flatbuffer.operator_name(self.parsed, operator)

    def shape(self, tensor: int) -> list[int]:
        """The shape of a tensor by its number."""
        return [int(size) for size in self.graph.tensors[tensor].shape]

    def values(self, tensor: int) -> np.ndarray:
        """The elements of a constant, flat: int8 or int32."""
        found = self.graph.tensors[tensor]
        data = self.parsed.buffers[found.buffer].data
        return np.asarray(data, np.uint8).view(flatbuffer.type_name(found))

    def constant_values(self, tensor: int) -> np.ndarray | None:
        """The values of an int8 or int32 constant in its shape; None for any other."""
        found = self.graph.tensors[tensor]
        if flatbuffer.type_name(found) not in ("int8", "int32"):
            return None
        if not flatbuffer.is_constant(self.parsed, found):
            return None
        return self.values(tensor).reshape(self.shape(tensor))

    def range(self, tensor: int) -> tuple[float, int]:
        """Scale and zero point of an int8 tensor."""
        found = self.graph.tensors[tensor].quantization
        return float(found.scale[0]), int(found.zeroPoint[0])

    def like(
        self,
        model: int,
        shape: Sequence[int],
        suffix: bytes = b"",
        scale: float | None = None,
    ) -> int:
        """A new activation with the type and range of another tensor, or another scale,
        and its name with something behind it."""
        tensor = schema.TensorT()
        tensor.shape = np.array(shape, np.int32)
        tensor.type = self.graph.tensors[model].type
        tensor.quantization = copy.deepcopy(self.graph.tensors[model].quantization)
        if scale is not None:
            tensor.quantization.scale = np.array([scale], np.float32)
        tensor.name = (self.graph.tensors[model].name or b"") + suffix
        return self._added(tensor)

    def integers(self, shape: Sequence[int], scale: float | None = None) -> int:
        """A new int32 activation, with a scale where it is read as a bias."""
        tensor = schema.TensorT()
        tensor.shape = np.array(shape, np.int32)
        tensor.type = schema.TensorType.INT32
        if scale is not None:
            tensor.quantization = _quantization(scale)
        return self._added(tensor)

    def constant(self, value, scale: float | None = None) -> int:
        """A constant; equal ones are one tensor.

        Args:
            value: an array of int8 or int32 stays so; other numbers become int8 with a
                scale, else int32.
        """
        array = np.ascontiguousarray(value)
        if array.dtype not in (np.int8, np.int32):
            array = array.astype(np.int32 if scale is None else np.int8)
        array = array.reshape(np.shape(value))
        key = scale, array.dtype.str, array.shape, array.tobytes()
        if key not in self._constants:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(array.tobytes(), np.uint8)
            self.parsed.buffers.append(buffer)
            tensor = schema.TensorT()
            tensor.shape = np.array(array.shape, np.int32)
            tensor.type = schema.TensorType.INT32
            if array.dtype == np.int8:
                tensor.type = schema.TensorType.INT8
            if scale is not None:
                tensor.quantization = _quantization(scale)
            tensor.buffer = len(self.parsed.buffers) - 1
            self._constants[key] = self._added(tensor)
        return self._constants[key]

    def operator(
        self, name: str, inputs: Sequence[int], outputs: Sequence[int], options=None
    ) -> schema.OperatorT:
        """A new operator, which is not yet in the graph's list."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code(name)
        operator.inputs = np.array(inputs, np.int32)
        operator.outputs = np.array(outputs, np.int32)
        if options is not None:
            operator.builtinOptions = options
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        return operator

    def fully_connected(
        self, source: int, weight: int, bias: int, target: int, activation: int = 0
    ) -> schema.OperatorT:
        """The product of all but the last dimension; bias is -1 for none, activation
        one of the schema's ActivationFunctionType."""
        options = schema.FullyConnectedOptionsT()
        options.keepNumDims = True
        options.fusedActivationFunction = activation
        return self.operator(
            "FULLY_CONNECTED", [source, weight, bias], [target], options
        )

    def finished(self) -> bytes:
        """The file without what nothing uses any more."""
        self._drop_codes()
        self._drop_tensors()
        return flatbuffer.pack_model(self.parsed, _Builder)

    def _added(self, tensor: schema.TensorT) -> int:
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def _code(self, name: str) -> int:
        if name not in self._codes:
            code = schema.OperatorCodeT()
            code.builtinCode = getattr(schema.BuiltinOperator, name)
            code.deprecatedBuiltinCode = code.builtinCode
            code.version = _VERSIONS[name]
            self.parsed.operatorCodes.append(code)
            self._codes[name] = len(self.parsed.operatorCodes) - 1
        return self._codes[name]

    def _drop_codes(self) -> None:
        used = sorted({int(op.opcodeIndex) for op in self.graph.operators})
        places = {index: place for place, index in enumerate(used)}
        self.parsed.operatorCodes = [self.parsed.operatorCodes[i] for i in used]
        for operator in self.graph.operators:
            operator.opcodeIndex = places[int(operator.opcodeIndex)]

    def _drop_tensors(self) -> None:
        lists = [self.graph.inputs, self.graph.outputs]
        for operator in self.graph.operators:
            lists += [operator.inputs, operator.outputs]
        used = sorted({int(i) for found in lists for i in found if i >= 0})
        places = {index: place for place, index in enumerate(used)} | {-1: -1}

        def moved(indexes) -> np.ndarray:
            return np.array([places[int(index)] for index in indexes], np.int32)

        self.graph.tensors = [self.graph.tensors[index] for index in used]
        self.graph.inputs = moved(self.graph.inputs)
        self.graph.outputs = moved(self.graph.outputs)
        for operator in self.graph.operators:
            operator.inputs = moved(operator.inputs)
            operator.outputs = moved(operator.outputs)
        for signature in self.parsed.signatureDefs or []:
            for entry in [*signature.inputs, *signature.outputs]:
                entry.tensorIndex = places[int(entry.tensorIndex)]
        self._drop_buffers()

    def _drop_buffers(self) -> None:
        # The first stands for "no data".
        used = {0} | {int(tensor.buffer) for tensor in self.graph.tensors}
        used |= {int(entry.buffer) for entry in self.parsed.metadata or []}
        kept = sorted(used)
        places = {index: place for place, index in enumerate(kept)}
        self.parsed.buffers = [self.parsed.buffers[index] for index in kept]
        for tensor in self.graph.tensors:
            tensor.buffer = places[int(tensor.buffer)]
        for entry in self.parsed.metadata or []:
            entry.buffer = places[int(entry.buffer)]


def _quantization(scale: float) -> schema.QuantizationParametersT:
    quantization = schema.QuantizationParametersT()
    quantization.scale = np.array([scale], np.float32)
    quantization.zeroPoint = np.zeros(1, np.int64)
    return quantization
