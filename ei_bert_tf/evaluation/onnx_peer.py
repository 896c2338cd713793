"""What a student's latency stands beside: a BERT in ONNX Runtime, in int8.

Both of ONNX Runtime's ways to int8 are made, each with the graph optimizations that it
can use, because which one is faster depends on the processor and on the shape.

T tokens, C outputs.
"""

import contextlib
import logging
import pathlib
import tempfile
from collections.abc import Iterator

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.transformers import fusion_options, optimizer

from ei_bert_tf.evaluation.onnx_bert import INPUTS, BertShape
from ei_bert_tf.text.wordpiece import Encoded

# The types of what the optimizer's own operators give, which the quantizer can't infer.
_OPTIONS = {"DefaultTensorType": onnx.TensorProto.FLOAT}
_ERRORS_ONLY = 3


class OnnxPeer:
    """A session with a BERT on a number of threads.

    Args:
        model: an ONNX file with INPUTS.
        threads: that compute an operator.
    """

    def __init__(self, model: bytes, threads: int):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = (
            onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        )
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )

    def logits(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """float32 [1, C] of what `peer_inputs` gave."""
        return self._session.run(None, inputs)[0]


def peer_inputs(encoded: Encoded, row: int) -> dict[str, np.ndarray]:
    """A row without its padding: int32 [1, T], T its real length."""
    length = int(encoded.lengths[row])
    chosen = slice(row, row + 1), slice(length)
    arrays = (
        encoded.ids[chosen],
        np.ones((1, length), np.int32),
        encoded.segment_ids[chosen],
    )
    return {
        name: np.ascontiguousarray(array, np.int32)
        for name, array in zip(INPUTS, arrays, strict=True)
    }


def int8_models(
    model: onnx.ModelProto, shape: BertShape, calibration: Encoded
) -> dict[str, bytes]:
    """The `dynamic` and the `static` int8 files of a float graph.

    Dynamic: fused to ONNX Runtime's attention and norm kernels by its optimizer for
    transformers, then weights in int8 and activations quantized as they come. Static:
    all operators that have an int8 kernel, ranges from texts; fused attention has no
    static form, so the optimizer is not asked first.

    Args:
        model: of build_onnx.
        shape: its.
        calibration: texts for the ranges of the static one.
    """
    with tempfile.TemporaryDirectory() as name, _quiet():
        folder = pathlib.Path(name)
        plain, fused = folder / "plain.onnx", folder / "fused.onnx"
        dynamic, static = folder / "dynamic.onnx", folder / "static.onnx"
        onnx.save(model, plain)
        options = fusion_options.FusionOptions("bert")
        # It takes the approximated GELU for the exact one. The session joins the bias
        # with the matrix product instead, which is as fast.
        options.enable_gelu = options.enable_bias_gelu = False
        optimizer.optimize_model(
            str(plain),
            model_type="bert",
            num_heads=shape.heads,
            hidden_size=shape.hidden_size,
            optimization_options=options,
            opt_level=0,
        ).save_model_to_file(str(fused))
        quantize_dynamic(
            fused, dynamic, weight_type=QuantType.QInt8, extra_options=_OPTIONS
        )
        quantize_static(
            plain,
            static,
            _Texts(calibration),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return {"dynamic": dynamic.read_bytes(), "static": static.read_bytes()}


class _Texts(CalibrationDataReader):
    """Encoded texts one by one, each of its real length."""

    def __init__(self, encoded: Encoded):
        self._rows = (peer_inputs(encoded, row) for row in range(len(encoded)))

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._rows, None)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the quantizers' advice, which is about other models."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
