"""Compares values of one choice on held-out train: what the defaults are chosen by.

usage: python -m benchmarks.compare --vary=norm=layer,affine --seeds=0,1 \
           --name=bbc_news --dataset=builtin:bbc_news --preset=quick
and all other flags of tools.compress. Each value of a choice of the recipe, or of the
flags method and student_start, trains a float student; the eval file is not looked at.
Writes benchmarks/choices/NAME/CHOICE.json: for each value and seed the metric on
held-out train, the correlation of its logits with the teacher's (after `cross` with the
moved teacher's) and what the vocabulary made of those texts; with --teacher_only no
more than the metric of the fine-tuned teacher. A pair that is already in
the file is not run again; stages that do not depend on the choice are shared.
"""

import dataclasses
import json
import pathlib
import tempfile

from absl import app, flags

from benchmarks._choice import Choice
from benchmarks._held_out import measured, measured_teacher
from ei_bert_tf.errors import InputError
from ei_bert_tf.job import Job
from ei_bert_tf.pipeline import Pipeline
from ei_bert_tf.preparation import Preparation
from ei_bert_tf.recipe import Recipe
from tools import _job

_VARY = flags.DEFINE_string("vary", None, "CHOICE=VALUE,VALUE,...", required=True)
_SEEDS = flags.DEFINE_list("seeds", ["0"], "Seeds, each for every value.")
_NAME = flags.DEFINE_string("name", None, "Name of the data.", required=True)
_TEACHER_ONLY = flags.DEFINE_bool("teacher_only", False, "For choices of its training.")
_WORK_DIR = flags.DEFINE_string(
    "work_dir", "build/compare", "Folder of the stages, NAME/seed-N in it."
)


def with_choice(choices: dict, name: str, value: str, folder: str) -> dict:
    """The job's fields with one choice replaced, in the job or in its recipe."""
    if name in ("method", "student_start"):
        return choices | {name: value}
    recipe = Recipe.read(choices["preset"], choices["recipe"]).to_json()
    if name not in recipe:
        raise InputError(
            f"--vary={name}=...: accepted: method, student_start, {', '.join(recipe)}"
        )
    recipe[name] = type(recipe[name])(value)
    path = pathlib.Path(folder) / "recipe.json"
    path.write_text(json.dumps(recipe), "utf-8")
    return choices | {"recipe": path}


def main(_: list[str]) -> None:
    """Runs what is missing, value after value, and prints the table."""
    name, _, values = _VARY.value.partition("=")
    choice = Choice(_NAME.value, name, "compare")
    measure = measured_teacher if _TEACHER_ONLY.value else measured
    for seed in map(int, _SEEDS.value):
        for value in values.split(","):
            if choice.has(value, seed):
                continue
            with tempfile.TemporaryDirectory() as folder:
                choices = with_choice(_job.choices(), name, value, folder)
                job = dataclasses.replace(Job(**choices), seed=seed)
                folder_of_seed = pathlib.Path(
                    _WORK_DIR.value, _NAME.value, f"seed-{seed}"
                )
                pipeline = Pipeline(Preparation(job), folder_of_seed, resume=True)
                choice.add({"value": value, "seed": seed} | measure(pipeline))
    print(choice.table())


if __name__ == "__main__":
    app.run(main)
