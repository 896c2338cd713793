"""Edits the student's graph into those that runtimes on phones and in browsers run.

T tokens, C classes. The weights stay as they are. For phones, what is added turns the
int8 logits into float32 probabilities, and gives a model of single texts the third
input that these runtimes fill. For a page, it turns them into float32 logits.
"""

import copy

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from firmware_export.phone_metadata import INPUTS

PROBABILITIES = "probabilities"
VALUE = "value"
LOGITS = "logits"
_METADATA_ENTRY = "TFLITE_METADATA"
# The one quantization that TFLite's int8 SOFTMAX may write.
_SOFTMAX_SCALE = 1 / 256
_SOFTMAX_ZERO_POINT = -128
# The versions of the operators that first took int8.
_SOFTMAX_VERSION = 2
_DEQUANTIZE_VERSION = 2
# What the format asks of a tensor's data.
_ALIGNMENT = 16


class _AlignedBuffer(schema.BufferT):
    """A buffer whose data keeps the format's alignment, which schema.BufferT forgets:
    int32 biases are read where they lie."""

    def Pack(self, builder: flatbuffers.Builder) -> int:
        place = None
        if self.data is not None and len(self.data):
            data = bytes(self.data)
            builder.StartVector(1, len(data), _ALIGNMENT)
            builder.head = builder.Head() - len(data)
            builder.Bytes[builder.Head() : builder.Head() + len(data)] = data
            place = builder.EndVector()
        schema.BufferStart(builder)
        if place is not None:
            schema.BufferAddData(builder, place)
        return schema.BufferEnd(builder)


def phone_graph(model: bytes, temperature: float | None, metadata: bytes) -> bytes:
    """The model with float32 probabilities, three inputs and metadata.

    Args:
        model: the student's .tflite: inputs `ids`, `mask` and perhaps `segment_ids`,
            int32 [1, T], and the output `logits`, int8 [1, C].
        temperature: divides the logits before the softmax; None for a regression,
            whose one value is only dequantized.
        metadata: what metadata_bytes wrote.

    Returns:
        A .tflite with the inputs `ids`, `mask` and `segment_ids` and one output,
        float32 [1, C]: `probabilities`, multiples of 1/256, or for a regression
        `value`. The tensors of inputs and output are called by these names too,
        since some readers know no signatures.
    """
    graph = _Graph(model)
    result = graph.logits
    name = VALUE
    if temperature is not None:
        name = PROBABILITIES
        result = graph.add_softmax(result, 1 / temperature)
    graph.give_output(name, graph.add_dequantize(result, name))
    graph.give_inputs()
    graph.add_metadata(metadata)
    return graph.packed()


def logits_graph(model: bytes) -> bytes:
    """The model with float32 logits, whose steps are those of the int8 ones.

    LiteRT.js has no int8 tensors.

    Args:
        model: as phone_graph takes it; its inputs stay.
    """
    graph = _Graph(model)
    graph.give_output(LOGITS, graph.add_dequantize(graph.logits, "logits_float32"))
    return graph.packed()


class _Graph:
    """The parsed file, whose one subgraph and one signature grow."""

    def __init__(self, model: bytes):
        self._model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
        (self._graph,) = self._model.subgraphs
        (self._signature,) = self._model.signatureDefs
        (output,) = self._signature.outputs
        self.logits = output.tensorIndex
        for entry in self._signature.inputs:
            self._graph.tensors[entry.tensorIndex].name = entry.name

    def add_softmax(self, logits: int, beta: float) -> int:
        """int8 probabilities of int8 logits; returns their tensor."""
        tensor = copy.deepcopy(self._graph.tensors[logits])
        tensor.quantization = schema.QuantizationParametersT(
            scale=[_SOFTMAX_SCALE], zeroPoint=[_SOFTMAX_ZERO_POINT]
        )
        options = schema.SoftmaxOptionsT(beta=beta)
        result = self._add_tensor(tensor, "probabilities_int8")
        self._add_operator(
            (schema.BuiltinOperator.SOFTMAX, _SOFTMAX_VERSION),
            (schema.BuiltinOptions.SoftmaxOptions, options),
            logits,
            result,
        )
        return result

    def add_dequantize(self, quantized: int, name: str) -> int:
        """float32 values of an int8 tensor; returns their tensor."""
        tensor = copy.deepcopy(self._graph.tensors[quantized])
        tensor.quantization = None
        tensor.type = schema.TensorType.FLOAT32
        result = self._add_tensor(tensor, name)
        self._add_operator(
            (schema.BuiltinOperator.DEQUANTIZE, _DEQUANTIZE_VERSION),
            (schema.BuiltinOptions.DequantizeOptions, schema.DequantizeOptionsT()),
            quantized,
            result,
        )
        return result

    def give_output(self, name: str, tensor: int) -> None:
        """Makes a tensor the only output."""
        self._graph.outputs = [tensor]
        self._signature.outputs = [schema.TensorMapT(name, tensor)]

    def give_inputs(self) -> None:
        """Brings the inputs into the metadata's order; `segment_ids` is added where it
        is missing, and nothing reads it then."""
        found = {entry.name: entry for entry in self._signature.inputs}
        if b"segment_ids" not in found:
            ids = self._graph.tensors[found[b"ids"].tensorIndex]
            added = self._add_tensor(copy.deepcopy(ids), "segment_ids")
            found[b"segment_ids"] = schema.TensorMapT("segment_ids", added)
        self._signature.inputs = [found[name.encode()] for name in INPUTS]
        self._graph.inputs = [entry.tensorIndex for entry in self._signature.inputs]

    def add_metadata(self, metadata: bytes) -> None:
        """Puts the metadata where phone runtimes look for it."""
        self._model.buffers.append(schema.BufferT(metadata))
        entry = schema.MetadataT(_METADATA_ENTRY, len(self._model.buffers) - 1)
        self._model.metadata = [*(self._model.metadata or []), entry]

    def packed(self) -> bytes:
        """The file."""
        self._model.buffers = [
            _AlignedBuffer(buffer.data) for buffer in self._model.buffers
        ]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _add_tensor(self, tensor: schema.TensorT, name: str) -> int:
        tensor.name = name
        tensor.buffer = 0  # The empty one.
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _add_operator(
        self, kind: tuple[int, int], options: tuple, source: int, result: int
    ) -> None:
        code = schema.OperatorCodeT(
            deprecatedBuiltinCode=kind[0], builtinCode=kind[0], version=kind[1]
        )
        self._model.operatorCodes.append(code)
        operator = schema.OperatorT(
            opcodeIndex=len(self._model.operatorCodes) - 1,
            inputs=[source],
            outputs=[result],
            builtinOptionsType=options[0],
            builtinOptions=options[1],
        )
        self._graph.operators.append(operator)
