"""A choice of the recipe, measured on whole sentences: SST-2's train is of phrases.

usage: python -m benchmarks.by_sentence --vary=augmented_joins=0.0,0.5 \
           --train_file=SST-2/train.tsv --teacher=RUN/checkpoints/teacher
GLUE's dev is of whole sentences, and what is held out of train is phrases too. So here
a sentence is a text of train that no other contains: 800 of eight words and more are
held out with every text that they contain,
float students learn from what 2,400 others contain, by `kd` with the preset
`standard` and 8,000 steps, and are measured on the 800. The teacher is the one that a
run has fine-tuned on all of train: it knows the sentences by heart, the students don't.
Writes benchmarks/choices/SST-2/CHOICE.json; a value that is in it is not run again.
CHOICE `unlabeled` is of texts without labels: the values are files.
--recipe holds for all values.
"""

import collections
import json
import pathlib
import random

import numpy as np
from absl import app, flags

from benchmarks._choice import Choice
from ei_bert_tf.distillation.lessons import write_outputs
from ei_bert_tf.distillation.trainer import predictor
from ei_bert_tf.float_pipeline import FLOAT_STAGES
from ei_bert_tf.job import Job
from ei_bert_tf.metrics import logits_correlation, metric_value
from ei_bert_tf.pipeline import Pipeline
from ei_bert_tf.preparation import Preparation
from ei_bert_tf.teacher.backbone import teacher_identity
from ei_bert_tf.teacher.finetune import teacher_outputs
from ei_bert_tf.text.readers import read_table
from ei_bert_tf.weights import load_weights

_VARY = flags.DEFINE_string("vary", None, "CHOICE=VALUE,VALUE,...", required=True)
_RECIPE = flags.DEFINE_string("recipe", "{}", "JSON: choices that do not vary.")
_TRAIN = flags.DEFINE_string("train_file", None, "SST-2's train.tsv.", required=True)
_TEACHER = flags.DEFINE_string("teacher", None, "Its stage's folder.", required=True)
_WORK_DIR = flags.DEFINE_string("work_dir", "build/by_sentence", "Of the stages.")
_LEAST_WORDS = 8
_LEAST_OWNED_WORDS = 3  # Shorter phrases are everybody's.
_HELD_OUT, _TRAINED = 800, 2400
_STEPS = {"student_least_steps": 8000, "student_epochs": 1}


def by_sentence(texts: list[str], held_out: int, trained: int) -> tuple[list, list]:
    """Texts to train on and sentences that are held out, both in a random order.

    Args:
        texts: different ones, words between single spaces.
        held_out: sentences with all texts that they contain.
        trained: other sentences; what they contain and the former don't is trained on.
    """
    starts = collections.defaultdict(list)  # Sentences by three words in a row.
    owners: dict[str, list[str]] = {}
    ordered = sorted(texts, key=lambda text: -len(text.split()))
    sentences = []
    for text in ordered:
        words = text.split()
        if len(words) < _LEAST_OWNED_WORDS:
            continue
        found = [x for x in starts[tuple(words[:3])] if f" {text} " in f" {x} "]
        owners[text] = found or [text]
        if not found:
            sentences.append(text)
            for start in {tuple(words[k : k + 3]) for k in range(len(words) - 2)}:
                starts[start].append(text)
    whole = [text for text in sentences if len(text.split()) >= _LEAST_WORDS]
    random.Random(0).shuffle(whole)
    held, kept = set(whole[:held_out]), set(whole[held_out : held_out + trained])
    train = [
        text
        for text in ordered
        if text in owners and kept & {*owners[text]} and not held & {*owners[text]}
    ]
    random.Random(1).shuffle(train)
    return train, whole[:held_out]


class _Taught(Pipeline):
    """A run whose teacher has been fine-tuned elsewhere."""

    def _teacher_stage(self) -> None:
        self.store.depend_on(teacher_identity(_TEACHER.value))
        self.fine_tuned = pathlib.Path(_TEACHER.value) / "teacher.safetensors"
        load_weights(self.fine_tuned, self.teacher.model.weights)

        def run(folder: pathlib.Path) -> dict:
            outputs = teacher_outputs(self.teacher, self.prepared.corpus)
            write_outputs(folder / "outputs.npz", outputs)
            return {}

        _, folder = self.store.run("teacher", run)
        self.curriculum.outputs_files = [folder / "outputs.npz"]


def _measured(pipeline: Pipeline) -> dict:
    prepared = pipeline.prepared
    pipeline.run(FLOAT_STAGES)
    sentences = prepared.dataset.evaluate
    theirs = prepared.encode(prepared.teacher.tokenizer, sentences)
    taught = teacher_outputs(prepared.teacher, theirs).logits
    mine = prepared.encode(pipeline.tokenizer, sentences)
    logits = predictor(pipeline.student, prepared.config)(mine)
    return {
        "metric": prepared.task.metric,
        "held_out": metric_value("accuracy", logits, sentences.targets),
        "teacher_held_out": metric_value("accuracy", taught, sentences.targets),
        "held_out_examples": len(sentences),
        "held_out_phrases": pipeline.stages[-1]["held_out"],
        "same_class_as_the_teacher": float(
            np.mean(logits.argmax(1) == taught.argmax(1))
        ),
        "correlation": logits_correlation(logits, taught),
        "student": prepared.config.to_json(),
    }


def main(_: list[str]) -> None:
    """Runs what is missing, value after value, and prints the table."""
    name, _, values = _VARY.value.partition("=")
    choice = Choice("SST-2", name, "by_sentence")
    work_dir = pathlib.Path(_WORK_DIR.value)
    work_dir.mkdir(parents=True, exist_ok=True)
    table = read_table(_TRAIN.value, ["sentence", "label"], True)
    labels: dict[str, str] = {}
    for text, label in table.rows:
        labels.setdefault(text.strip(), label)
    parts = by_sentence(list(labels), _HELD_OUT, _TRAINED)
    for file, texts in zip(("train.tsv", "eval.tsv"), parts, strict=True):
        lines = ["sentence\tlabel", *(f"{text}\t{labels[text]}" for text in texts)]
        (work_dir / file).write_text("\n".join(lines) + "\n", "utf-8")
    for value in values.split(","):
        if choice.has(value, 0):
            continue
        if name == "unlabeled":
            varied, unlabeled = {}, pathlib.Path(value)
        else:
            varied, unlabeled = {name: json.loads(value)}, None
        recipe = work_dir / f"{name}-{pathlib.Path(value).name}.json"
        fixed = json.loads(_RECIPE.value)
        recipe.write_text(json.dumps(_STEPS | fixed | varied), "utf-8")
        job = Job(
            train=work_dir / "train.tsv",
            evaluate=work_dir / "eval.tsv",
            text="sentence",
            label="label",
            max_model_bytes=1_000_000,
            method="kd",
            recipe=recipe,
            unlabeled_file=unlabeled,
        )
        folder = work_dir / recipe.stem
        pipeline = _Taught(Preparation(job), folder, True, work_dir / "stages")
        choice.add({"value": value, "seed": 0} | _measured(pipeline))
    print(choice.table())


if __name__ == "__main__":
    app.run(main)
