"""What weights of 4 bits save and cost: a bundle's file of tables, and int4.

usage: python -m benchmarks.four_bits --bundle=DIR --name=NAME
DIR was made with --lookup_table_weights. Writes benchmarks/four_bits/NAME.json: the
file of tables beside model.tflite, and which engines take FULLY_CONNECTED's weights as
int4. For int4, the weights of model.tflite are rounded to -7..7, which costs accuracy
without a training, and written once as int8 and once as int4: the engines have to give
the same logits for both.
"""

import json
import pathlib
from typing import Any

import numpy as np
from absl import app, flags
from ai_edge_litert import schema_py_generated as schema

from ei_bert_tf.bundle import Bundle
from ei_bert_tf.conversion.editing import GraphEditor
from ei_bert_tf.conversion.lifetimes import lifetimes
from ei_bert_tf.conversion.parts import part_bytes
from ei_bert_tf.errors import InputError
from ei_bert_tf.evaluation.arena import smallest_arena_bytes
from ei_bert_tf.evaluation.runtimes import RUNTIMES, open_runtime
from ei_bert_tf.text.wordpiece import Encoded
from firmware_export.golden import golden_texts

_BUNDLE = flags.DEFINE_string("bundle", None, "Folder of a bundle.", required=True)
_NAME = flags.DEFINE_string("name", None, "Name of the record.", required=True)
_RECORDS = pathlib.Path(__file__).parent / "four_bits"
_LARGEST = 7
_LEAST_WEIGHTS = 1_024


def rounded(model: bytes, per_channel: bool, int4: bool) -> bytes:
    """The file with FULLY_CONNECTED's large weights rounded to -7..7."""
    editor = GraphEditor(model)
    for operator in editor.graph.operators:
        if editor.name(operator) != "FULLY_CONNECTED":
            continue
        source, place, bias_place = map(int, operator.inputs)
        values = editor.constant_values(place)
        if values is None or values.size < _LEAST_WEIGHTS:
            continue
        weight, bias = (editor.graph.tensors[x] for x in (place, bias_place))
        most = np.abs(values.astype(np.float64)).max(axis=1)
        if not per_channel:
            most = most[:1] * 0 + most.max()
        factors = (most / _LARGEST).astype(np.float32)  # The type that is written.
        steps = np.round(values / factors[:, None]).astype(np.int8)
        packed = steps.ravel().view(np.uint8)
        if int4:
            packed = packed[0::2] & 15 | packed[1::2] << 4
            weight.type = schema.TensorType.INT4
        editor.parsed.buffers[weight.buffer].data = packed
        weight.quantization.scale = factors * weight.quantization.scale[0]
        zeros = np.zeros(len(factors), np.int64)
        weight.quantization.zeroPoint = bias.quantization.zeroPoint = zeros
        scale = editor.graph.tensors[source].quantization.scale[0]
        numbers = editor.constant_values(bias_place) * bias.quantization.scale[0]
        bias.quantization.scale = scale * weight.quantization.scale
        again = np.round(numbers / bias.quantization.scale).astype(np.int32)
        editor.parsed.buffers[bias.buffer].data = again.view(np.uint8)
    return editor.finished()


def int4(model: bytes, encoded: Encoded) -> dict[str, Any]:
    """What the engines say of int4, with one scale a tensor and one a channel."""
    found = {}
    for name, per_channel in (("per_tensor", False), ("per_channel", True)):
        plain, small = (rounded(model, per_channel, x) for x in (False, True))
        engines = {}
        for engine in RUNTIMES:
            try:
                logits = [
                    open_runtime(engine, x).logits(encoded) for x in (plain, small)
                ]
            except InputError as error:
                engines[engine] = str(error)
            else:
                equal = (logits[0] == logits[1]).all()
                engines[engine] = "the same logits" if equal else "other logits"
        found[name] = {"bytes": len(small), "engines": engines}
        if engines["tflm"] == "the same logits":
            found[name]["arena_bytes"] = smallest_arena_bytes(small)
    return found


def main(_: list[str]) -> None:
    bundle = Bundle.load(_BUNDLE.value)
    manifest = bundle.manifest
    tables = manifest["lookup_table"]
    texts = [x.decode("utf-8", "replace") for x in golden_texts(64, ())]
    pairs = texts[::-1] if bundle.task.is_pair else None
    encoded = bundle.tokenizer.encode(texts, pairs, manifest["max_seq_length"])
    steps = [lifetimes(x) for x in (bundle.model, bundle.lookup_table_model)]
    record = {
        "student": manifest["student"],
        "environment": manifest["environment"],
        "package_version": manifest["package_version"],
        "int8": {
            "bytes": len(bundle.model),
            "parts": part_bytes(bundle.model),
            "operators": len(steps[0]),
            "live_bytes": max(step.live_bytes for step in steps[0]),
            **manifest["runtimes"]["tflm"],
        },
        "tables": {
            "share": round(tables["bytes"] / len(bundle.model), 4),
            "operators": len(steps[1]),
            "live_bytes": max(step.live_bytes for step in steps[1]),
            **{key: tables[key] for key in tables if key not in ("ops", "file")},
        },
        "int4": int4(bundle.model, encoded),
    }
    _RECORDS.mkdir(exist_ok=True)
    target = _RECORDS / f"{_NAME.value}.json"
    target.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(target)


if __name__ == "__main__":
    app.run(main)
