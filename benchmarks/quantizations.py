"""Compares ways to quantize one float student: trained or not, whose ranges, how much
noise on the logits.

usage: python -m benchmarks.quantizations --name=bbc_news --dataset=builtin:bbc_news \
           --preset=quick --max_model_bytes=1000000
and all other flags of tools.compress. The stages before the last are run once, and
no way that the record has is run again. Writes benchmarks/quantizations/NAME.json: for
the float student and each way the metric on held-out train, which choices are made on,
and on the eval file; of the .tflite files in LiteRT and in TFLM. `logits_error` is the
root mean square, on held-out train, of what the file's logits are off those of the
float student before the stage, over their standard deviation: it says how well rounding
alone does, which moves no weight; a trained way moves off them by its training. Of
both texts together `same_class` is the share that gets one class from LiteRT's
reference kernels, LiteRT and TFLM, `close` the share whose two best classes are at
most 10 steps of the int8 logits apart.
"""

import dataclasses
import json
import pathlib
import shlex
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import app, flags

from benchmarks._decisions import decisions
from ei_bert_tf.ablation.record import write_record
from ei_bert_tf.composition import environment
from ei_bert_tf.distillation.trainer import predictor
from ei_bert_tf.evaluation.runtimes import RUNTIMES, open_runtime
from ei_bert_tf.job import Job
from ei_bert_tf.metrics import metric_value
from ei_bert_tf.pipeline import Pipeline
from ei_bert_tf.preparation import Preparation
from ei_bert_tf.recipe import Recipe
from ei_bert_tf.text.wordpiece import Encoded
from tools import _job

_NAME = flags.DEFINE_string("name", None, "Name of the data.", required=True)
_WORK_DIR = flags.DEFINE_string(
    "work_dir", "build/quantizations", "Folder of the stages, NAME in it."
)
_WAYS = flags.DEFINE_multi_string("way", [], "One of the ways, repeated; else all.")
_RESULTS = pathlib.Path(__file__).parent / "quantizations"
_ENGINES = ("litert", "tflm")
_CLOSE_STEPS = 10
_PTQ, _QAT = {"quantization": "ptq"}, {"quantization": "qat"}
# What each way has beside the recipe of the flags.
WAYS: dict[str, dict[str, Any]] = {
    "qat": _QAT,
    "ptq": _PTQ,
    "ptq, percentile 99.99": _PTQ | {"quantization_ranges": "percentile"},
    "ptq, percentile 99.9": _PTQ
    | {"quantization_ranges": "percentile", "quantization_percentile": 99.9},
    "qat, percentile 99.99": _QAT | {"quantization_ranges": "percentile"},
    "qat, learned": _QAT | {"quantization_ranges": "learned"},
    "qat, noise 5": _QAT | {"quantization_noise": 5.0},
    "qat, noise 20": _QAT | {"quantization_noise": 20.0},
}


def finished(choices: dict, more: dict[str, Any], folder: pathlib.Path) -> Pipeline:
    """The pipeline of the job, some choices of its recipe replaced, after its run."""
    recipe = Recipe.read(choices["preset"], choices["recipe"]).to_json() | more
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(recipe, file)
        file.flush()
        job = dataclasses.replace(Job(**choices), recipe=file.name)
        pipeline = Pipeline(Preparation(job), folder, resume=True)
    pipeline.run()
    return pipeline


def measured(pipeline: Pipeline) -> dict[str, Any]:
    """Metrics of the file and of the float student that it was made of."""
    prepared = pipeline.prepared
    evaluated = prepared.dataset.evaluate
    texts = {
        "held_out": pipeline.curriculum.held_out(),
        "evaluated": (
            prepared.encode(pipeline.tokenizer, evaluated),
            evaluated.targets,
        ),
    }
    exact = predictor(pipeline.folded, pipeline.config)

    def values(logits: dict[str, np.ndarray]) -> dict[str, float]:
        metric = pipeline.task.metric
        return {
            name: metric_value(metric, logits[name], targets)
            for name, (_, targets) in texts.items()
        }

    floats = {name: exact(encoded) for name, (encoded, _) in texts.items()}
    found: dict[str, Any] = {"float": values(floats)}
    for engine in _ENGINES:
        runtime = open_runtime(engine, pipeline.model)
        logits = {
            name: runtime.dequantize(runtime.logits(encoded))
            for name, (encoded, _) in texts.items()
        }
        error = logits["held_out"] - floats["held_out"]
        spread = np.std(floats["held_out"])
        found[engine] = values(logits) | {
            "logits_error": float(np.sqrt(np.mean(error**2)) / spread)
        }
    if not pipeline.task.is_regression:
        found |= _agreement(pipeline.model, [encoded for encoded, _ in texts.values()])
    return found | {"model_bytes": len(pipeline.model)}


def _agreement(model: bytes, texts: Sequence[Encoded]) -> dict[str, float]:
    """`same_class` and `close` of texts of a classification."""
    logits = {}
    for name in RUNTIMES:
        runtime = open_runtime(name, model)
        logits[name] = np.concatenate([runtime.logits(encoded) for encoded in texts])
    found = decisions(logits, _CLOSE_STEPS, leads_of="litert")
    return {
        "same_class": found["same_class"],
        "close": found["leads_within_the_bound"],
    }


def main(_: list[str]) -> None:
    """Measures what the record lacks, and writes it after each way."""
    target = _RESULTS / f"{_NAME.value}.json"
    ways: dict[str, Any] = {}
    if target.is_file():
        ways = json.loads(target.read_text("utf-8"))["ways"]
    for name, more in WAYS.items():
        if name in ways or (_WAYS.value and name not in _WAYS.value):
            continue
        folder = pathlib.Path(_WORK_DIR.value, _NAME.value)
        pipeline = finished(_job.choices(), more, folder)
        ways[name] = measured(pipeline)
        print(name, json.dumps(ways[name]), flush=True)
        words = ["python", "-m", "benchmarks.quantizations", *sys.argv[1:]]
        record = {
            "ways": ways,
            "metric": pipeline.task.metric,
            "held_out_examples": len(pipeline.prepared.held_out),
            "evaluated_examples": len(pipeline.prepared.dataset.evaluate),
            "student": pipeline.config.to_json(),
            "command": shlex.join(words),
            "environment": environment(),
        }
        write_record(record, target)


if __name__ == "__main__":
    app.run(main)
