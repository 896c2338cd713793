"""Times a training step of the teacher beside keras-nlp's own on the same weights.

usage: python -m benchmarks.teacher_speed
writes benchmarks/speed/teacher.json: examples a second of both, from the median of
the steps, at batch 32 and 32 tokens of the news, and their ratio. All weights move in
both: ours moves the embedding's rows that the texts use. Steps of the two are not
interleaved, but rounds of them are.
"""

import json
import pathlib
import statistics
import tempfile
import time

import numpy as np
from absl import app

from benchmarks._news_steps import BATCH, RECIPE, TASK, TOKENS, news_steps
from ei_bert_tf.compat import keras
from ei_bert_tf.composition import environment
from ei_bert_tf.teacher.backbone import load_teacher
from ei_bert_tf.teacher.finetune import finetune
from ei_bert_tf.text.wordpiece import Encoded

_STEPS, _ROUNDS = 12, 3
# Steps of a round that are not timed: tracing, and memory that is not there yet.
_WARM_UP = 2
_TEACHER = "builtin:minilm-l6"
_RESULT = pathlib.Path(__file__).parent / "speed" / "teacher.json"


def own_seconds(encoded: Encoded, targets: np.ndarray) -> list[float]:
    """Seconds of each timed step of finetune."""
    teacher = load_teacher(_TEACHER, TASK.outputs, seed=0)
    held_out = encoded.take(np.arange(BATCH)), targets[:BATCH]
    times = []

    def report(kind: str, step: int, total: int, values: dict) -> None:
        if kind == "step":
            times.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        finetune(
            teacher,
            TASK,
            RECIPE,
            (encoded, targets),
            held_out,
            0,
            pathlib.Path(folder) / "training",
            report,
        )
    return np.diff(times)[_WARM_UP - 1 :].tolist()


def peer_seconds(encoded: Encoded, targets: np.ndarray) -> list[float]:
    """Seconds of each timed train_on_batch of keras-nlp's model."""
    teacher = load_teacher(_TEACHER, TASK.outputs, seed=0)
    teacher.model.compile(
        optimizer=keras.optimizers.Adam(1e-4, global_clipnorm=1.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    seconds = []
    for step in range(_STEPS):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        batch = {
            "token_ids": encoded.ids[rows],
            "segment_ids": encoded.segment_ids[rows],
            "padding_mask": np.ones_like(encoded.ids[rows]),
        }
        start = time.perf_counter()
        teacher.model.train_on_batch(batch, targets[rows])
        seconds.append(time.perf_counter() - start)
    return seconds[_WARM_UP:]


def main(_: list[str]) -> None:
    """Measures, writes the result and prints it."""
    news = news_steps(load_teacher(_TEACHER, TASK.outputs, seed=0), _STEPS)
    encoded, targets = news.teacher, news.targets
    own: list[float] = []
    peer: list[float] = []
    for _round in range(_ROUNDS):
        own += own_seconds(encoded, targets)
        peer += peer_seconds(encoded, targets)
    result = {
        "batch_size": BATCH,
        "tokens": TOKENS,
        "examples_per_second": BATCH / statistics.median(own),
        "peer_examples_per_second": BATCH / statistics.median(peer),
        "ratio": statistics.median(peer) / statistics.median(own),
        "seconds": own,
        "peer_seconds": peer,
        "peer": "keras-nlp's BertBackbone, train_on_batch",
        "command": "python benchmarks/teacher_speed.py",
        "environment": environment(),
    }
    _RESULT.parent.mkdir(exist_ok=True)
    _RESULT.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print({name: result[name] for name in list(result)[2:5]})


if __name__ == "__main__":
    app.run(main)
