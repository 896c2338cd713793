"""Registers the TFLM kernels that the model uses, and no other."""

from collections.abc import Sequence

from firmware_export.rendering import render

# Method of tflite::MicroMutableOpResolver by builtin operator.
METHODS = {
    "ADD": "AddAdd",
    "BATCH_MATMUL": "AddBatchMatMul",
    "FULLY_CONNECTED": "AddFullyConnected",
    "GATHER": "AddGather",
    "MEAN": "AddMean",
    "MUL": "AddMul",
    "QUANTIZE": "AddQuantize",
    "RESHAPE": "AddReshape",
    "RSQRT": "AddRsqrt",
    "SOFTMAX": "AddSoftmax",
    "STRIDED_SLICE": "AddStridedSlice",
    "SUB": "AddSub",
    "TANH": "AddTanh",
    "TRANSPOSE": "AddTranspose",
}


def resolver_sources(model: bytes, operators: Sequence[dict]) -> dict[str, str]:
    """Text of op_resolver.h and op_resolver.cc by path inside the firmware folder.

    Args:
        model: the .tflite; only its sha256 is used.
        operators: dicts with the builtin's `name`, as the manifest's `ops`.

    Raises:
        ValueError: there is no operator, or one whose kernel is not known.
    """
    names = sorted({operator["name"] for operator in operators})
    if not names:
        raise ValueError("operators: none given; at least one is accepted")
    for name in names:
        if name not in METHODS:
            raise ValueError(
                f"operators: no kernel is known for {name}; accepted are "
                f"{', '.join(METHODS)}"
            )
    methods = [METHODS[name] for name in names]
    return {
        "include/ei_bert/op_resolver.h": render(
            "op_resolver.h.j2", model, methods=methods
        ),
        "src/op_resolver.cc": render("op_resolver.cc.j2", model, methods=methods),
    }
