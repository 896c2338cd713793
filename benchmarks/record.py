"""Turns a finished bundle into a benchmark record, one JSON file a job.

usage: python -m benchmarks.record --bundle=build/demo --task=bbc_news \
           --command="make demo"
writes benchmarks/results/TASK/METHOD[-VARIANT]-MAX_MODEL_BYTES-SEED.json. tools.ablate
does the same for the jobs of a plan.
"""

import json
import pathlib

from absl import app, flags

from ei_bert_tf.ablation.record import bundle_record, write_record

_BUNDLE = flags.DEFINE_string("bundle", None, "Folder of a bundle.", required=True)
_TASK = flags.DEFINE_string("task", None, "Name of the data.", required=True)
_COMMAND = flags.DEFINE_string(
    "command", None, "The command that made the bundle.", required=True
)
_VARIANT = flags.DEFINE_string(
    "variant", "", "Added to the name where a recipe differs from the preset's."
)
_RESULTS = pathlib.Path(__file__).parent / "results"


def main(_: list[str]) -> None:
    """Writes the record and prints where."""
    path = pathlib.Path(_BUNDLE.value) / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    found = bundle_record(manifest, _TASK.value, _COMMAND.value, _VARIANT.value)
    method = "-".join(filter(None, (found["method"], _VARIANT.value)))
    name = f"{method}-{found['max_model_bytes']}-{found['seed']}.json"
    target = _RESULTS / _TASK.value / name
    write_record(found, target)
    print(target)


if __name__ == "__main__":
    app.run(main)
