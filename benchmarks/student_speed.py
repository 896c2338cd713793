"""Times a training step of the student beside Keras' own `fit` of the same model.

usage: python -m benchmarks.student_speed
writes benchmarks/speed/student.json: examples a second, from the median of the steps,
at batch 32 and 32 tokens of the news, of the student in float and under
quantization-aware training, each in this project's loop and in `fit` with the same
losses, and their ratios. Rounds of the four are interleaved. All texts have 32 tokens,
so what batches of like length save is no part of it.
"""

import json
import pathlib
import statistics
import tempfile
import time

import numpy as np
from absl import app

from benchmarks._news_steps import BATCH, RECIPE, TASK, TOKENS, NewsSteps, news_steps
from ei_bert_tf.ablation.record import write_record
from ei_bert_tf.compat import tf
from ei_bert_tf.composition import environment
from ei_bert_tf.compression.quantization import quantize_student
from ei_bert_tf.distillation.lessons import Lessons
from ei_bert_tf.distillation.trainer import train_student
from ei_bert_tf.student.encoder import build_student, student_inputs
from ei_bert_tf.student.layers import DropoutSource
from ei_bert_tf.teacher.backbone import load_teacher

_STEPS, _ROUNDS = 40, 3
# Steps of a round that are not timed: tracing, and memory that is not there yet.
_WARM_UP = 8
_KINDS = ("float", "quantized")
_RESULT = pathlib.Path(__file__).parent / "speed" / "student.json"


def student_of(kind: str, news: NewsSteps) -> tuple[tf.keras.Model, list[tf.Variable]]:
    """A fresh student, with dropout in float as in the pipeline, and its counters."""
    if kind == "quantized":
        return quantize_student(build_student(news.config, folded=True)), []
    dropout = DropoutSource(RECIPE.student_dropout, 0, tf.Variable(0))
    return build_student(news.config, dropout=dropout), [dropout.step]


def answers(news: NewsSteps) -> dict[str, np.ndarray]:
    """What both loops are taught: some teacher's logits and features."""
    generator = np.random.default_rng(0)
    sizes = {"logits": TASK.outputs, "features": news.config.task_size}
    return {
        name: generator.normal(size=(len(news.student), size)).astype(np.float32)
        for name, size in sizes.items()
    }


def own_seconds(kind: str, news: NewsSteps) -> list[float]:
    """Seconds of each timed step of train_student."""
    student, steps = student_of(kind, news)
    times: list[float] = []

    def report(what: str, step: int, total: int, values: dict) -> None:
        if what == "step":
            times.append(time.perf_counter())

    taught = answers(news)
    few = news.student.take(np.arange(BATCH)), news.targets[:BATCH]
    with tempfile.TemporaryDirectory() as folder:
        train_student(
            student,
            news.config,
            TASK,
            RECIPE,
            Lessons(news.student, news.targets, taught["logits"], taught["features"]),
            few,
            1,
            0,
            1e-4,
            0,
            pathlib.Path(folder) / "training",
            report,
            steps=steps,
            warm_ranges=kind == "quantized",
        )
    return np.diff(times)[_WARM_UP - 1 :].tolist()


def peer_seconds(kind: str, news: NewsSteps) -> list[float]:
    """Seconds of each timed batch of Keras' fit: squared errors to the same answers."""
    student, _ = student_of(kind, news)
    student.compile(
        optimizer=tf.keras.optimizers.legacy.Adam(1e-4, global_clipnorm=1.0),
        loss={"logits": "mse", "features": "mse"},
    )
    begun: list[float] = []
    seconds: list[float] = []

    class Clock(tf.keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            begun.append(time.perf_counter())

        def on_train_batch_end(self, batch, logs=None):
            seconds.append(time.perf_counter() - begun[-1])

    encoded = news.student
    batch = {
        "ids": encoded.ids,
        "mask": (np.arange(TOKENS) < encoded.lengths[:, None]).astype(np.int32),
    }
    student.fit(
        student_inputs(news.config, batch),
        answers(news),
        batch_size=BATCH,
        epochs=1,
        shuffle=False,
        verbose=0,
        callbacks=[Clock()],
    )
    return seconds[_WARM_UP:]


def main(_: list[str]) -> None:
    """Measures, writes the result and prints the ratios."""
    tf.config.experimental.enable_op_determinism()
    news = news_steps(load_teacher("builtin:minilm-l6", TASK.outputs, seed=0), _STEPS)
    seconds: dict[str, list[float]] = {}
    for _round in range(_ROUNDS):
        for kind in _KINDS:
            seconds.setdefault(kind, []).extend(own_seconds(kind, news))
            seconds.setdefault(f"{kind} fit", []).extend(peer_seconds(kind, news))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ratios = {kind: medians[f"{kind} fit"] / medians[kind] for kind in _KINDS}
    result = {
        "batch_size": BATCH,
        "tokens": TOKENS,
        "examples_per_second": {name: BATCH / value for name, value in medians.items()},
        "ratios": ratios,
        "seconds": seconds,
        "command": "python -m benchmarks.student_speed",
        "environment": environment(),
    }
    write_record(result, _RESULT)
    print(json.dumps(ratios, indent=1))


if __name__ == "__main__":
    app.run(main)
