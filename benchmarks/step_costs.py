"""Times training steps: what determinism costs, and what a moving teacher costs.

usage: python -m benchmarks.step_costs
writes benchmarks/speed/steps.json: the median milliseconds of a step at batch 32 and 32
tokens of the news for
  teacher    fine-tuning the teacher,
  student    the student (1 MB) learning from kept answers,
  still      the student beside a teacher that answers but stands still,
  moving     both moving, as in cross-distillation,
each with TensorFlow's deterministic operators and without them, and their ratios. Every
measurement is a process of its own, because determinism can't be switched off again;
the rounds of all of them are interleaved.
"""

import dataclasses
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from absl import app, flags

from benchmarks._news_steps import BATCH, RECIPE, TASK, TOKENS, news_steps
from ei_bert_tf.compat import tf
from ei_bert_tf.composition import environment
from ei_bert_tf.distillation.cross import SharedTexts, refine
from ei_bert_tf.distillation.lessons import Lessons
from ei_bert_tf.distillation.trainer import train_student
from ei_bert_tf.student.encoder import build_student
from ei_bert_tf.student.layers import DropoutSource
from ei_bert_tf.teacher.backbone import load_teacher
from ei_bert_tf.teacher.finetune import finetune

_ONE = flags.DEFINE_string("one", None, "Internal: the one thing that is measured.")
_DETERMINISTIC = flags.DEFINE_bool("deterministic", True, "Internal: how.")

_STEPS, _ROUNDS = 16, 3
# Steps of a round that are not timed: tracing, and memory that is not there yet.
_WARM_UP = 4
_KINDS = ("teacher", "student", "still", "moving")
_RESULT = pathlib.Path(__file__).parent / "speed" / "steps.json"


def measure(kind: str) -> list[float]:
    """Seconds of the steps of one kind after warming up."""
    teacher = load_teacher("builtin:minilm-l6", 5, seed=0)
    news = news_steps(teacher, _STEPS)
    encoded, targets = news.teacher, news.targets
    still = 0.0 if kind == "still" else 1e-5
    recipe = dataclasses.replace(RECIPE, refinement_teacher_learning_rate=still)
    times: list[float] = []

    def report(kind: str, step: int, total: int, values: dict) -> None:
        # An epoch's end comes between two steps and is no part of either.
        times.append(time.perf_counter() if kind == "step" else np.nan)

    held_out = encoded.take(np.arange(BATCH)), targets[:BATCH]
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = pathlib.Path(folder) / "training"
        if kind == "teacher":
            train = (encoded, targets)
            finetune(teacher, TASK, recipe, train, held_out, 0, checkpoint, report)
        else:
            dropout = DropoutSource(recipe.student_dropout, 0, tf.Variable(0))
            student = build_student(news.config, dropout=dropout)
            mine = news.student
            own_held_out = mine.take(np.arange(BATCH)), targets[:BATCH]
            if kind == "student":
                logits = np.zeros((len(mine), 5), np.float32)
                features = np.zeros((len(mine), news.config.task_size), np.float32)
                train_student(
                    student,
                    news.config,
                    TASK,
                    recipe,
                    Lessons(mine, targets, logits, features),
                    own_held_out,
                    1,
                    0,
                    1e-4,
                    0,
                    checkpoint,
                    report,
                    steps=[dropout.step],
                )
            else:
                refine(
                    student,
                    news.config,
                    teacher,
                    TASK,
                    recipe,
                    SharedTexts(mine, encoded, targets),
                    SharedTexts(own_held_out[0], held_out[0], targets[:BATCH]),
                    0,
                    checkpoint,
                    report,
                    [dropout.step],
                )
    seconds = np.diff(times)[_WARM_UP - 1 :]
    return seconds[np.isfinite(seconds)].tolist()


def main(_: list[str]) -> None:
    """Measures, writes the result and prints its ratios."""
    if _ONE.value:
        if _DETERMINISTIC.value:
            tf.config.experimental.enable_op_determinism()
        print(json.dumps(measure(_ONE.value)))
        return
    seconds: dict[str, list[float]] = {}
    for _round in range(_ROUNDS):
        for kind in _KINDS:
            for mode in ("deterministic", "nodeterministic"):
                command = [sys.executable, "-m", "benchmarks.step_costs"]
                command += [f"--one={kind}", f"--{mode}"]
                answer = subprocess.run(
                    command, check=True, stdout=subprocess.PIPE, text=True
                ).stdout
                found = json.loads(answer.splitlines()[-1])
                seconds.setdefault(f"{kind} {mode}", []).extend(found)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ratios = {
        f"determinism, {kind}": medians[f"{kind} deterministic"]
        / medians[f"{kind} nodeterministic"]
        for kind in _KINDS
    }
    ratios["moving teacher"] = (
        medians["moving deterministic"] / medians["still deterministic"]
    )
    result = {
        "batch_size": BATCH,
        "tokens": TOKENS,
        "median_ms": {name: 1000 * value for name, value in medians.items()},
        "ratios": ratios,
        "seconds": seconds,
        "environment": environment(),
    }
    _RESULT.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(ratios, indent=1))


if __name__ == "__main__":
    app.run(main)
