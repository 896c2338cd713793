"""Compares ways to the smallest of several sizes, on held-out train.

usage: python -m benchmarks.sizes --through=1000000,500000,250000 --epochs=6 \
           --name=bbc_news --dataset=builtin:bbc_news --preset=quick
and other flags of tools.compress. Trains a float student of the last size
- `direct`: from the teacher's slice,
- `direct, all steps`: likewise, with as many steps as all sizes have together,
- `taylor`, `magnitude`: from the student before it, by these scores, in ten cuts,
- `taylor, one cut`: likewise, all at once;
each student has --epochs. The eval file is not looked at. Writes
benchmarks/choices/NAME/sizes.json: for each way and seed the metric on held-out train
and the correlation with the teacher's logits, of every size on the way. What is in the
file is not run again.
"""

import json
import pathlib
import tempfile

from absl import app, flags

from benchmarks._choice import Choice
from benchmarks._held_out import measured
from ei_bert_tf.job import Job
from ei_bert_tf.pipeline import Pipeline
from ei_bert_tf.preparation import Preparation
from ei_bert_tf.progression import preparations, progression
from tools import _job

_THROUGH = flags.DEFINE_list("through", None, "The sizes in bytes.", required=True)
_EPOCHS = flags.DEFINE_integer("epochs", None, "Of a student.", required=True)
_SEEDS = flags.DEFINE_list("seeds", ["0"], "Seeds, each for every way.")
_NAME = flags.DEFINE_string("name", None, "Name of the data.", required=True)
_WORK_DIR = flags.DEFINE_string("work_dir", "build/sizes", "Folder of the stages.")
_WAYS = {
    "direct": {},
    "taylor": {"removal_scores": "taylor"},
    "magnitude": {"removal_scores": "magnitude"},
    "taylor, one cut": {"removal_scores": "taylor", "removal_steps": 1},
    "direct, all steps": {},
}


def students(way: str, seed: int, folder: pathlib.Path) -> list[dict]:
    """What `measured` says of each size on the way."""
    sizes = list(map(int, _THROUGH.value))
    epochs = _EPOCHS.value * (len(sizes) if way == "direct, all steps" else 1)
    choices = _job.choices() | {"seed": seed}
    with tempfile.TemporaryDirectory() as temporary:
        recipe = pathlib.Path(temporary, "recipe.json")
        recipe.write_text(json.dumps({"student_epochs": epochs} | _WAYS[way]), "utf-8")
        choices["recipe"] = recipe
        shared = folder / "shared"
        if way.startswith("direct"):
            job = Job(**choices | {"max_model_bytes": sizes[-1]})
            return [measured(Pipeline(Preparation(job), folder / way, True, shared))]
        prepared = preparations(Job(**choices, sizes=sizes))
        found = []
        for _, pipeline in progression(prepared, folder / way, True, shared):
            found.append(measured(pipeline))
        return found


def main(_: list[str]) -> None:
    """Runs what is missing, way after way, and prints the table."""
    choice = Choice(_NAME.value, "sizes", "sizes")
    for seed in map(int, _SEEDS.value):
        folder = pathlib.Path(_WORK_DIR.value, _NAME.value, f"seed-{seed}")
        for way in _WAYS:
            if choice.has(way, seed):
                continue
            on_the_way = students(way, seed, folder)
            run = {"value": way, "seed": seed, "epochs": _EPOCHS.value}
            choice.add(run | on_the_way[-1] | {"larger": on_the_way[:-1]})
    print(choice.table())


if __name__ == "__main__":
    app.run(main)
