"""What a finished run reports: its manifest, and what is looked at for people only."""

import dataclasses
from typing import Any

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.compression.sensitivity import module_sensitivity, quantized_logits
from ei_bert_tf.conversion.layer_outputs import layer_outputs
from ei_bert_tf.conversion.lifetimes import lifetimes
from ei_bert_tf.conversion.parts import part_bytes
from ei_bert_tf.evaluation.calibration import probabilities
from ei_bert_tf.evaluation.device_cost import device_cost
from ei_bert_tf.evaluation.float_student import load_float_student
from ei_bert_tf.evaluation.layer_error import layer_errors
from ei_bert_tf.evaluation.operator_latency import operator_latency
from ei_bert_tf.metrics import metric_value
from ei_bert_tf.pipeline import Pipeline
from ei_bert_tf.reporting.mistakes import class_table, confusions, worst_mistakes
from ei_bert_tf.reporting.published import PUBLISHED
from ei_bert_tf.reporting.report import Report
from ei_bert_tf.stages import FLOAT_STUDENT
from firmware_export.contents import Contents
from firmware_export.flash import flash_sizes

_LAYER_TEXTS = 32
_SENSITIVITY_TEXTS = 500
_LATENCY_ROUNDS = 21
_OF_RUN = (
    *("task", "teacher_name", "seed", "recipe", "student", "environment"),
    *("package_version", "train_examples", "max_model_bytes"),
)
_AS_THEY_ARE = (
    *("stages", "stage_seconds", "runtimes", "operator_differences", "calibration"),
    *("segmentation", "sparsity", "lookup_table", "test", "budget"),
)


def run_report(
    pipeline: Pipeline,
    manifest: dict[str, Any],
    firmware: Contents,
    values: np.ndarray,
) -> Report:
    """The report of a run.

    Args:
        pipeline: after its last stage.
        manifest: but for its list of files.
        firmware: what the bundle's firmware is made of.
        values: logits or values float32 [N, C] of the int8 file for the examples to
            report.
    """
    task, prepared = pipeline.task, pipeline.prepared
    examples = prepared.dataset.evaluate
    recipe = manifest["recipe"]
    contents: dict[str, Any] = {
        "run": {name: manifest[name] for name in _OF_RUN}
        | {"method": recipe["method"], "preset": recipe["preset"]}
        | {"command": pipeline.job.command()},
        **{name: manifest[name] for name in _AS_THEY_ARE if name in manifest},
        "parts": part_bytes(pipeline.model),
        "flash": flash_sizes(firmware),
        "arena": _arena(pipeline.model),
        "device": device_cost(pipeline.model),
        "latency": _latency(pipeline),
        "layers": _layers(pipeline),
        "sensitivity": _sensitivity(pipeline),
        "published": [dataclasses.asdict(model) for model in PUBLISHED],
        "vocabulary": pipeline.curriculum.vocabulary,
    }
    if not task.is_regression:
        values = probabilities(values, manifest["calibration"]["temperature"])
        predicted = values.argmax(axis=1)
        contents["classes"] = class_table(task, examples.targets, predicted)
        contents["confusions"] = confusions(task, examples.targets, predicted)
    contents["mistakes"] = worst_mistakes(task, examples, values)
    return Report(contents)


def _arena(model: bytes) -> dict[str, Any]:
    steps = lifetimes(model)
    found = [
        {"op": step.op, "layer": step.layer, "live_bytes": step.live_bytes}
        for step in steps
    ]
    number = max(range(len(steps)), key=lambda index: steps[index].live_bytes)
    live = [dataclasses.asdict(activation) for activation in steps[number].live]
    return {"steps": found, "peak": found[number] | {"live": live}}


def _latency(pipeline: Pipeline) -> dict[str, Any]:
    held_out, _ = pipeline.curriculum.held_out()
    return operator_latency(pipeline.model, held_out.take([0]), _LATENCY_ROUNDS)


def _layers(pipeline: Pipeline) -> list[dict[str, Any]]:
    """Of a few held-out texts, as choices are made on those."""
    held_out, _ = pipeline.curriculum.held_out()
    texts = held_out.take(np.arange(min(_LAYER_TEXTS, len(held_out))))
    student = _float_student(pipeline)
    return layer_errors(pipeline.model, student, pipeline.config, texts)


def _sensitivity(pipeline: Pipeline) -> list[dict[str, Any]]:
    held_out, targets = pipeline.curriculum.held_out()
    count = min(_SENSITIVITY_TEXTS, len(held_out))
    texts, targets = held_out.take(np.arange(count)), targets[:count]
    student = _float_student(pipeline)
    batch = {
        "ids": texts.ids,
        "mask": texts.mask,
        "segment_ids": texts.segment_ids,
    }
    inputs = {name: tf.constant(batch[name], tf.int32) for name in student.input_names}
    exact = quantized_logits(student, (), {}, inputs)

    def evaluate(logits: tf.Tensor) -> dict[str, float]:
        error = float(tf.sqrt(tf.reduce_mean(tf.square(logits - exact))))
        value = metric_value(pipeline.task.metric, logits.numpy(), targets)
        return {"value": value, "logits_error": error}

    outputs = layer_outputs(pipeline.model)
    ranges = {name: output.range for name, output in outputs.items()}
    per_channel = pipeline.config.has_channel_scales
    return module_sensitivity(student, ranges, inputs, evaluate, per_channel)


def _float_student(pipeline: Pipeline):
    weights = pipeline.store.folder / "quantization" / FLOAT_STUDENT
    return load_float_student(pipeline.config, weights)
