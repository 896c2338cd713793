"""Counts the zeros of a .tflite, and what they save."""

import zlib
from typing import Any

import numpy as np

from ei_bert_tf.conversion.flatbuffer import is_constant, parse_model, type_name

_MATRIX_RANK = 2


def zeros_of(model: bytes) -> dict[str, Any]:
    """What zeros there are among the weights of a file.

    They save nothing in flash or RAM: TFLite keeps a zero as a byte like any other, and
    its kernels multiply by it. They make the file smaller on its way to the device,
    where it travels compressed.

    Returns:
        `zero_share`: 0..1 of the bytes of all int8 constants of rank 2 (kernels and
        tables); `deflated_bytes`: of the file under zlib's strongest compression.
    """
    parsed = parse_model(model)
    zeros, total = 0, 0
    for tensor in parsed.subgraphs[0].tensors:
        if (
            type_name(tensor) == "int8"
            and len(tensor.shape) == _MATRIX_RANK
            and is_constant(parsed, tensor)
        ):
            values = np.asarray(parsed.buffers[tensor.buffer].data)
            zeros += int(np.count_nonzero(values == 0))
            total += values.size
    return {
        "zero_share": zeros / max(total, 1),
        "deflated_bytes": len(zlib.compress(model, 9)),
    }
