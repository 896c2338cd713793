"""Rewrites attention's batched matrix products as products that have fast kernels.

LiteRT multiplies int8 batches in a plain loop, which takes more than half of a
student's time. FULLY_CONNECTED accepts weights that are computed, multiplies with
vector instructions, and gives the same numbers: TensorFlow Lite Micro's results stay
bit for bit what they were (tests/conversion/test_attention.py).

N heads; a product of M rows and L columns over K.
"""

import collections
import copy

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ei_bert_tf.conversion import flatbuffer

_IDENTIFIER = b"TFL3"
_VERSIONS = {
    "CONCATENATION": 2,
    "FULLY_CONNECTED": 5,
    "RESHAPE": 1,
    "SPLIT": 2,
    "TRANSPOSE": 2,
}


def rewrite_attention(model: bytes) -> bytes:
    """The .tflite with N FULLY_CONNECTED in the place of each BATCH_MATMUL.

    Args:
        model: int8 products [1, N, M, K] x [1, N, K, L], or x [1, N, L, K] where the
            second input is read transposed (adj_y).

    Returns:
        The file; the same bytes where it has no BATCH_MATMUL.

    Raises:
        ValueError: the first input of a product is read transposed.
    """
    parsed = flatbuffer.parse_model(model)
    graph = parsed.subgraphs[0]
    names = [flatbuffer.operator_name(parsed, op) for op in graph.operators]
    if "BATCH_MATMUL" not in names:
        return model
    rewriter = _Rewriter(parsed)
    operators: list[schema.OperatorT] = []
    for name, operator in zip(names, graph.operators, strict=True):
        if name == "BATCH_MATMUL":
            operators += rewriter.by_heads(operator)
        else:
            operators.append(operator)
    graph.operators = operators
    rewriter.drop_unused_codes()
    builder = flatbuffers.Builder(len(model) + (1 << 16))
    builder.Finish(parsed.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


class _Rewriter:
    """Adds tensors and operators to a parsed file."""

    def __init__(self, parsed: schema.ModelT):
        self._parsed = parsed
        self._graph = parsed.subgraphs[0]
        self._makers = {
            int(operator.outputs[0]): operator for operator in self._graph.operators
        }
        self._uses = collections.Counter(
            int(index)
            for operator in self._graph.operators
            for index in operator.inputs
        )
        self._codes: dict[str, int] = {}
        self._constants: dict[tuple, int] = {}

    def by_heads(self, product: schema.OperatorT) -> list[schema.OperatorT]:
        """The operators that compute what a BATCH_MATMUL does."""
        first, second = map(int, product.inputs)
        result = int(product.outputs[0])
        if product.builtinOptions.adjX:
            raise ValueError("model: a BATCH_MATMUL reads its first input transposed")
        found: list[schema.OperatorT] = []
        if not product.builtinOptions.adjY:
            second = self._transposed(found, second)
        rows = self._heads(found, first, rank=3)  # N of [1, M, K]
        columns = self._heads(found, second, rank=2)  # N of [L, K]
        _, heads, height, width = map(int, self._graph.tensors[result].shape)
        products = []
        for row, column in zip(rows, columns, strict=True):
            output = self._like(result, [1, height, width])
            options = schema.FullyConnectedOptionsT()
            options.keepNumDims = True
            inputs = [row, column, -1]
            found.append(self._operator("FULLY_CONNECTED", inputs, output, options))
            products.append(output)
        joined = self._like(result, [heads, height, width])
        options = schema.ConcatenationOptionsT()
        found.append(self._operator("CONCATENATION", products, joined, options))
        found.append(self._reshape(joined, result))
        return found

    def drop_unused_codes(self) -> None:
        """Leaves the kinds of operators that the graph still has."""
        used = sorted({int(op.opcodeIndex) for op in self._graph.operators})
        places = {index: place for place, index in enumerate(used)}
        self._parsed.operatorCodes = [self._parsed.operatorCodes[i] for i in used]
        for operator in self._graph.operators:
            operator.opcodeIndex = places[int(operator.opcodeIndex)]

    def _transposed(self, found: list[schema.OperatorT], tensor: int) -> int:
        """[1, N, K, L] as [1, N, L, K]."""
        w, x, y, z = map(int, self._graph.tensors[tensor].shape)
        maker = self._makers.get(tensor)
        if (
            maker is not None
            and self._uses[tensor] == 1
            and flatbuffer.operator_name(self._parsed, maker) == "TRANSPOSE"
        ):
            # It moves the heads forward already, and can turn the rest in one go.
            order = self._graph.tensors[int(maker.inputs[1])]
            a, b, c, d = self._parsed.buffers[order.buffer].data.view(np.int32)
            maker.inputs = [int(maker.inputs[0]), self._constant([a, b, d, c])]
            self._graph.tensors[tensor].shape = [w, x, z, y]
            return tensor
        turned = self._like(tensor, [w, x, z, y])
        inputs = [tensor, self._constant([0, 1, 3, 2])]
        options = schema.TransposeOptionsT()
        found.append(self._operator("TRANSPOSE", inputs, turned, options))
        return turned

    def _heads(
        self, found: list[schema.OperatorT], tensor: int, rank: int
    ) -> list[int]:
        """Cuts [1, N, A, B] into N tensors of [1, A, B] or [A, B]."""
        _, heads, height, width = map(int, self._graph.tensors[tensor].shape)
        if rank == 3:
            whole, part = [heads, height, width], [1, height, width]
        else:
            whole, part = [heads * height, width], [height, width]
        flat = self._like(tensor, whole)
        found.append(self._reshape(tensor, flat))
        parts = [self._like(tensor, part) for _ in range(heads)]
        options = schema.SplitOptionsT()
        options.numSplits = heads
        split = self._operator("SPLIT", [self._constant(0), flat], parts[0], options)
        split.outputs = parts
        found.append(split)
        return parts

    def _reshape(self, source: int, target: int) -> schema.OperatorT:
        shape = self._constant(
            [int(size) for size in self._graph.tensors[target].shape]
        )
        options = schema.ReshapeOptionsT()
        return self._operator("RESHAPE", [source, shape], target, options)

    def _like(self, model: int, shape: list[int]) -> int:
        """A new activation with the range of another tensor."""
        tensor = schema.TensorT()
        tensor.shape = shape
        tensor.type = self._graph.tensors[model].type
        tensor.quantization = copy.deepcopy(self._graph.tensors[model].quantization)
        tensor.name = b""
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _constant(self, value) -> int:
        """The tensor of an int32 constant; equal ones are one."""
        array = np.asarray(value, np.int32)
        key = array.shape, *array.ravel().tolist()
        if key not in self._constants:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(array.tobytes(), np.uint8)
            self._parsed.buffers.append(buffer)
            tensor = schema.TensorT()
            tensor.shape = list(array.shape)
            tensor.type = schema.TensorType.INT32
            tensor.buffer = len(self._parsed.buffers) - 1
            tensor.name = b""
            self._graph.tensors.append(tensor)
            self._constants[key] = len(self._graph.tensors) - 1
        return self._constants[key]

    def _operator(
        self, name: str, inputs: list[int], output: int, options
    ) -> schema.OperatorT:
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code(name)
        operator.inputs, operator.outputs = inputs, [output]
        operator.builtinOptions = options
        kind = type(options).__name__.removesuffix("T")
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        return operator

    def _code(self, name: str) -> int:
        if name not in self._codes:
            code = schema.OperatorCodeT()
            code.builtinCode = getattr(schema.BuiltinOperator, name)
            code.deprecatedBuiltinCode = code.builtinCode
            code.version = _VERSIONS[name]
            self._parsed.operatorCodes.append(code)
            self._codes[name] = len(self._parsed.operatorCodes) - 1
        return self._codes[name]
