"""Counts the instructions of each operator of a student on an emulated Cortex-M7.

usage: python -m benchmarks.operator_costs --models=build/shapes --tflm=M7.a \
           --tflm_include=INCLUDE --tflm_defines=... --tflm_version="..."
       python -m benchmarks.operator_costs --fit
The first converts students of SHAPES with random weights (kept in --models), runs them
with CMSIS-NN kernels and writes benchmarks/device/operators/NAME.json; the second fits
ei_bert_tf/evaluation/device_cost.json on the records that are not LEFT_OUT, and says
how far off the others are. SysTick counts 40 instructions a tick.
"""

import json
import pathlib
import sys
import tempfile

import numpy as np
from absl import app, flags

from benchmarks._cortex_m import BOARDS, Tflm, build, emulate, version
from benchmarks._operator_records import (
    LEFT_OUT,
    RECORDS,
    SHAPES,
    operator_of,
    records,
)
from ei_bert_tf.compression.quantization import copy_quantized, quantize_student
from ei_bert_tf.conversion.int8 import convert
from ei_bert_tf.evaluation.device_cost import (
    COSTS,
    cost_features,
    cost_kind,
    model_operators,
    operator_instructions,
)
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.encoder import build_student, student_inputs
from firmware_export.elf import data_object

_CORE = "cortex-m7"
_HERE = pathlib.Path(__file__).parent

_MODELS = flags.DEFINE_string("models", None, "Folder of the converted students.")
_TFLM = flags.DEFINE_string("tflm", None, "TFLM for a Cortex-M7 with CMSIS-NN.")
_INCLUDE = flags.DEFINE_list("tflm_include", [], "Folders of its headers.")
_DEFINES = flags.DEFINE_list("tflm_defines", [], "Macros that it was built with.")
_VERSION = flags.DEFINE_string("tflm_version", None, "Which TFLM it is.")
_SHAPES = flags.DEFINE_list("shapes", list(SHAPES), "Names of those to measure.")
_FIT = flags.DEFINE_bool("fit", False, "Fit on the records instead of measuring.")


def some_student(config: StudentConfig) -> bytes:
    """The file of a student with random weights."""
    student = build_student(config, fixed_tokens=True, folded=True)
    generator = np.random.default_rng(0)
    for weight in student.trainable_weights:
        is_kernel = len(weight.shape) > 1 and "table" not in weight.name
        deviation = weight.shape[0] ** -0.5 if is_kernel else 0.1
        values = generator.normal(size=weight.shape) * deviation
        weight.assign(values + 1.0 if "gamma" in weight.name else values)
    quantized = quantize_student(student)
    shape = (8, config.max_tokens)
    ids = generator.integers(0, config.vocabulary_size, shape).astype(np.int32)
    lengths = generator.integers(2, config.max_tokens + 1, (8, 1))
    mask = (np.arange(config.max_tokens) < lengths).astype(np.int32)
    batch = {"ids": ids * mask, "mask": mask, "segment_ids": ids % 2 * mask}
    quantized(student_inputs(config, batch), training=True)
    exact = quantize_student(build_student(config, fixed_tokens=True, folded=True))
    copy_quantized(quantized, exact)
    return convert(exact, config)


def counted(model: bytes) -> dict:
    """Instructions of each operator and of all, and the arena in use."""
    tflm = Tflm(_INCLUDE.value, [_TFLM.value], True, _DEFINES.value)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        image = folder / "model.o"
        image.write_bytes(data_object(model, "model_image", 16, "arm"))
        source = _HERE / "operator_costs.cc"
        program = build(folder, folder, BOARDS[_CORE], tflm, [source], [image])
        lines = [line.split() for line in emulate(program, BOARDS[_CORE]).splitlines()]
    found = [int(value) for name, value in lines if name == "instructions"]
    others = {name: int(value) for name, value in lines}
    operators = [
        {
            "kind": operator.kind,
            "inputs": operator.inputs,
            "output": operator.output,
            "instructions": instructions,
        }
        for operator, instructions in zip(model_operators(model), found, strict=True)
    ]
    return {
        "instructions": others["total"],
        "arena_used_bytes": others["arena_used_bytes"],
        "operators": operators,
    }


def measure() -> None:
    """Writes the records."""
    folder = pathlib.Path(_MODELS.value)
    folder.mkdir(parents=True, exist_ok=True)
    RECORDS.mkdir(parents=True, exist_ok=True)
    for name in _SHAPES.value:
        config = SHAPES[name]
        path = folder / f"{name}.tflite"
        if not path.is_file():
            path.write_bytes(some_student(config))
        model = path.read_bytes()
        record = {
            "command": " ".join(
                ["python", "-m", "benchmarks.operator_costs", *sys.argv[1:]]
            ),
            "tflm": _VERSION.value,
            "compiler": version("arm-none-eabi-gcc"),
            "emulator": version("qemu-system-arm"),
            "student": config.to_json(),
            "model_bytes": len(model),
            **counted(model),
        }
        (RECORDS / f"{name}.json").write_text(json.dumps(record) + "\n", "utf-8")
        print(name, record["instructions"], record["arena_used_bytes"], flush=True)


def fit() -> None:
    """Least squares of each kind's features on what was counted."""
    rows: dict[str, list] = {}
    for name, record in records().items():
        if name not in LEFT_OUT:
            for row in record["operators"]:
                operator = operator_of(row)
                features = cost_features(operator)
                rows.setdefault(cost_kind(operator), []).append(
                    (features, row["instructions"])
                )
    costs = {kind: _solved(found) for kind, found in sorted(rows.items())}
    COSTS.write_text(json.dumps({_CORE: costs}, indent=1) + "\n", "utf-8")
    for name, record in records().items():
        operators = [operator_of(row) for row in record["operators"]]
        predicted = sum(operator_instructions(x, costs) for x in operators)
        off = predicted / record["instructions"] - 1
        print(f"{name:8} {100 * off:+6.2f} %", "left out" if name in LEFT_OUT else "")


def _solved(rows: list) -> list[float]:
    features = np.array([row[0] for row in rows], float)
    wanted = np.array([row[1] for row in rows], float)
    # Large operators matter for the sum, small ones keep the constant right.
    weights = 1.0 / np.sqrt(wanted + 100.0)
    kept = list(range(features.shape[1]))
    while True:
        solved = np.linalg.lstsq(
            features[:, kept] * weights[:, None], wanted * weights, rcond=None
        )[0]
        if (solved >= 0).all():
            break
        del kept[int(solved.argmin())]
    found = [0.0] * features.shape[1]
    for place, value in zip(kept, solved, strict=True):
        found[place] = round(float(value), 4)
    return found


def main(_: list[str]) -> None:
    if _FIT.value:
        fit()
    else:
        measure()


if __name__ == "__main__":
    app.run(main)
