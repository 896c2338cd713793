"""Registers the TFLM kernels that the model uses, and no other."""

from collections.abc import Sequence

from firmware_export.contents import Contents
from firmware_export.rendering import render

# Method of tflite::MicroMutableOpResolver, and number of tflite::BuiltinOperator.
KERNELS = {
    "ADD": ("AddAdd", 0),
    "CAST": ("AddCast", 53),
    "CONCATENATION": ("AddConcatenation", 2),
    "FULLY_CONNECTED": ("AddFullyConnected", 9),
    "GATHER": ("AddGather", 36),
    "MUL": ("AddMul", 18),
    "QUANTIZE": ("AddQuantize", 114),
    "RESHAPE": ("AddReshape", 22),
    "RSQRT": ("AddRsqrt", 76),
    "SOFTMAX": ("AddSoftmax", 25),
    "SPLIT": ("AddSplit", 49),
    "STRIDED_SLICE": ("AddStridedSlice", 45),
    "SUB": ("AddSub", 41),
    "TANH": ("AddTanh", 28),
    # All custom operators have one number.
    "TFLM_DECODE": ("AddDecode", 32),
    "TRANSPOSE": ("AddTranspose", 39),
}
# Numbers of tflite::TensorType.
TYPES = {"int32": 2, "bool": 6, "int16": 7, "int8": 9}


def resolver_sources(contents: Contents) -> dict[str, str]:
    """Text of op_resolver.h and op_resolver.cc by path inside the firmware folder.

    Raises:
        ValueError: there is no operator, or one whose kernel is not known.
    """
    operator_list(contents.operators)
    names = sorted({operator["name"] for operator in contents.operators})
    methods = [KERNELS[name][0] for name in names]
    model = contents.model
    return {
        "include/ei_bert/op_resolver.h": render(
            "op_resolver.h.j2", model, methods=methods
        ),
        "src/op_resolver.cc": render("op_resolver.cc.j2", model, methods=methods),
    }


def operator_list(operators: Sequence[dict]) -> list[tuple[int, int, int]]:
    """Fields of ei_bert_operator for each operator, sorted by name.

    Args:
        operators: dicts with `name`, `version` and `types`, as the manifest's `ops`.

    Raises:
        ValueError: there is no operator, or one without a known kernel or type.
    """
    if not operators:
        raise ValueError("operators: none given; at least one is accepted")
    found = []
    for operator in sorted(operators, key=lambda operator: operator["name"]):
        name = operator["name"]
        if name not in KERNELS:
            raise ValueError(
                f"operators: no kernel is known for {name}; accepted are "
                f"{', '.join(KERNELS)}"
            )
        for type_name in operator["types"]:
            if type_name not in TYPES:
                raise ValueError(
                    f"operators: {name} on {type_name}; accepted are {', '.join(TYPES)}"
                )
        types = sum(1 << TYPES[type_name] for type_name in set(operator["types"]))
        found.append((KERNELS[name][1], operator["version"], types))
    return found
