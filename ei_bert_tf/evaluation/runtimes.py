"""The engines that run a student's .tflite, behind one small interface.

B rows, T tokens, C outputs. All of them run one row at a time: the file has batch 1.
"""

import abc

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tflite_micro import runtime as tflm

from ei_bert_tf.conversion import flatbuffer
from ei_bert_tf.errors import InputError
from ei_bert_tf.evaluation.stderr import captured_stderr
from ei_bert_tf.text.wordpiece import Encoded

RUNTIMES = ("litert", "litert_reference", "tflm")

_INPUTS = ("ids", "mask", "segment_ids")
_TYPE_BYTES = {"int8": 1, "uint8": 1, "bool": 1, "int16": 2, "int64": 8, "float64": 8}


class Runtime(abc.ABC):
    """One engine with one model.

    Args:
        model: the .tflite, with the signature of the bundle.

    Raises:
        InputError: the model has another interface, or the engine refuses it.
    """

    name: str

    def __init__(self, model: bytes):
        # The engines read the weights from these bytes as long as they live.
        self._model = model
        try:
            parsed = flatbuffer.parse_model(model)
            self._inputs, outputs = flatbuffer.signature_tensors(parsed)
        except ValueError as error:
            raise InputError(str(error)) from error
        unknown = sorted(set(self._inputs) - set(_INPUTS))
        if unknown or not self._inputs or list(outputs) != ["logits"]:
            raise InputError(
                f"model: inputs {sorted(self._inputs)}, outputs {sorted(outputs)}; "
                f"accepted are inputs of {list(_INPUTS)} and the output ['logits']"
            )
        self._output = outputs["logits"]
        # The parsed file is not kept: its objects take a fifth of the model's size.
        tensors = parsed.subgraphs[0].tensors
        logits = tensors[self._output]
        if flatbuffer.type_name(logits) != "int8":
            raise InputError(
                f"model: logits are {flatbuffer.type_name(logits)}; int8 is accepted"
            )
        first = tensors[next(iter(self._inputs.values()))]
        self._tokens = int(first.shape[1])
        self._outputs = int(logits.shape[1])
        self._scale = float(logits.quantization.scale[0])
        self._zero_point = int(logits.quantization.zeroPoint[0])

    @property
    def scale(self) -> float:
        """The value of one step of the int8 logits."""
        return self._scale

    @property
    def zero_point(self) -> int:
        """The int8 logit that stands for 0.0."""
        return self._zero_point

    def dequantize(self, logits: np.ndarray) -> np.ndarray:
        """Float32 values of int8 logits, of the same shape."""
        return (logits.astype(np.float32) - self._zero_point) * np.float32(self._scale)

    def logits(self, encoded: Encoded) -> np.ndarray:
        """Runs every row; int8 [B, C].

        Raises:
            InputError: the rows do not have the model's T tokens.
        """
        self._check_tokens(encoded)
        result = np.empty((len(encoded), self._outputs), np.int8)
        arrays = self._arrays(encoded)
        for row in range(len(encoded)):
            result[row] = self.run(self._row(arrays, row))
        return result

    def inputs(self, encoded: Encoded, row: int) -> dict[int, np.ndarray]:
        """What `run` takes of one row: int32 [1, T] by tensor number.

        Raises:
            InputError: the rows do not have the model's T tokens.
        """
        self._check_tokens(encoded)
        return self._row(self._arrays(encoded), row)

    def run(self, inputs: dict[int, np.ndarray]) -> np.ndarray:
        """Sets the inputs, runs once and reads the logits, int8 [C]."""
        self._invoke(inputs)
        return self.tensor(self._output).reshape(-1)

    def _check_tokens(self, encoded: Encoded) -> None:
        found = encoded.ids.shape[1]
        if found != self._tokens:
            raise InputError(
                f"runtime {self.name}: rows of {found} tokens; the model takes "
                f"{self._tokens}"
            )

    def _arrays(self, encoded: Encoded) -> dict[int, np.ndarray]:
        """int32 [B, T] by tensor number."""
        return {
            index: np.ascontiguousarray(getattr(encoded, name), np.int32)
            for name, index in self._inputs.items()
        }

    @staticmethod
    def _row(arrays: dict[int, np.ndarray], row: int) -> dict[int, np.ndarray]:
        return {index: values[row : row + 1] for index, values in arrays.items()}

    @abc.abstractmethod
    def _invoke(self, inputs: dict[int, np.ndarray]) -> None:
        """Sets the inputs (int32 [1, T] by tensor number) and runs once."""

    @abc.abstractmethod
    def tensor(self, index: int) -> np.ndarray:
        """A copy of a tensor after a run: an output, or any if all are preserved."""


class LiteRt(Runtime):
    """LiteRT with its default delegate or its reference kernels."""

    def __init__(
        self,
        model: bytes,
        *,
        reference: bool,
        preserve_all_tensors: bool = False,
        threads: int = 1,
    ):
        self.name = "litert_reference" if reference else "litert"
        super().__init__(model)
        try:
            with captured_stderr():
                self._interpreter = Interpreter(
                    model_content=model,
                    num_threads=threads,
                    experimental_op_resolver_type=OpResolverType.BUILTIN_REF
                    if reference
                    else OpResolverType.AUTO,
                    experimental_preserve_all_tensors=preserve_all_tensors,
                )
                self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise InputError(
                f"runtime {self.name}: it refuses the model: {_one_line(error)}"
            ) from error

    def _invoke(self, inputs: dict[int, np.ndarray]) -> None:
        for index, values in inputs.items():
            self._interpreter.set_tensor(index, values)
        self._interpreter.invoke()

    def tensor(self, index: int) -> np.ndarray:
        return self._interpreter.get_tensor(index)


class Tflm(Runtime):
    """The host's TensorFlow Lite Micro: bit for bit what the device computes."""

    name = "tflm"

    def __init__(self, model: bytes, *, preserve_all_tensors: bool = False):
        super().__init__(model)
        graph = flatbuffer.parse_model(model).subgraphs[0]
        config = (
            tflm.InterpreterConfig.kPreserveAllTensors
            if preserve_all_tensors
            else tflm.InterpreterConfig.kAllocationRecording
        )
        # TFLM counts inputs and outputs in the graph's order, not by tensor number.
        self._positions = {
            index: position
            for position, index in enumerate(flatbuffer.tensor_indexes(graph.inputs))
        }
        self._output_positions = {
            index: position
            for position, index in enumerate(flatbuffer.tensor_indexes(graph.outputs))
        }
        self._preserved = preserve_all_tensors
        arena_bytes = generous_arena_bytes(graph)
        for doubling in range(4):
            try:
                with captured_stderr() as log:
                    self._interpreter = tflm.Interpreter.from_bytes(
                        model,
                        arena_size=arena_bytes << doubling,
                        intrepreter_config=config,
                    )
                return
            except RuntimeError:
                summary = log.summary
        raise InputError(f"runtime tflm: it refuses the model: {summary}")

    def _invoke(self, inputs: dict[int, np.ndarray]) -> None:
        for index, values in inputs.items():
            self._interpreter.set_input(values, self._positions[index])
        with captured_stderr() as log:
            try:
                self._interpreter.invoke()
                return
            except RuntimeError:
                pass
        raise RuntimeError(f"runtime tflm: an inference failed: {log.summary}")

    def tensor(self, index: int) -> np.ndarray:
        if self._preserved:
            return np.array(self._interpreter.GetTensor(index, 0)["tensor_data"])
        return np.array(self._interpreter.get_output(self._output_positions[index]))


def open_runtime(name: str, model: bytes, threads: int = 1) -> Runtime:
    """The engine of that name with the model loaded; TFLM knows one thread only.

    Raises:
        InputError: no such engine, or it does not take the model.
    """
    if name not in RUNTIMES:
        raise InputError(f"runtime: {name!r}; accepted are {', '.join(RUNTIMES)}")
    if name == "tflm":
        return Tflm(model)
    return LiteRt(model, reference=name == "litert_reference", threads=threads)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def generous_arena_bytes(graph) -> int:
    """More than TFLM needs even when no two tensors share memory.

    An arena of a few hundred bytes crashes the process instead of raising; this is
    never that small.
    """
    values = sum(
        int(np.prod(tensor.shape if tensor.shape is not None else []))
        * _TYPE_BYTES.get(flatbuffer.type_name(tensor), 4)
        for tensor in graph.tensors
    )
    return 65536 + 2048 * len(graph.operators or []) + 2 * values
