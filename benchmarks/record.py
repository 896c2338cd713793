"""Turns a finished bundle into a benchmark record, one JSON file a job.

usage: python -m benchmarks.record --bundle=build/demo --task=bbc_news \
           --command="make demo"
writes benchmarks/results/TASK/METHOD[-VARIANT]-MAX_MODEL_BYTES-SEED.json.
"""

import json
import pathlib

from absl import app, flags

_BUNDLE = flags.DEFINE_string("bundle", None, "Folder of a bundle.", required=True)
_TASK = flags.DEFINE_string("task", None, "Name of the data.", required=True)
_COMMAND = flags.DEFINE_string(
    "command", None, "The command that made the bundle.", required=True
)
_VARIANT = flags.DEFINE_string(
    "variant", "", "Added to the name where a recipe differs from the preset's."
)
_RESULTS = pathlib.Path(__file__).parent / "results"


def record(manifest: dict, task: str, command: str) -> dict:
    """The fields of a benchmark record from a bundle's manifest; metrics in 0..1."""
    stages = {stage["name"]: stage for stage in manifest["stages"]}
    recipe = manifest["recipe"]
    tflm = manifest["runtimes"]["tflm"]
    return {
        "task": task,
        "metric": manifest["task"]["metric"],
        "method": recipe["method"],
        "default": recipe["method"] == "kd"
        and recipe["student_start"] == "slice"
        and not _VARIANT.value,
        "max_model_bytes": manifest["max_model_bytes"],
        "model_bytes": manifest["model_bytes"],
        "seed": manifest["seed"],
        "train_examples": manifest["train_examples"],
        "teacher": stages["teacher"]["value"],
        "teacher_name": manifest["teacher_name"],
        "student_before_qat": stages["student_before_qat"]["value"],
        "student_float": stages["student_float"]["value"],
        "student_int8": stages["student_int8"]["value"],
        "held_out": {
            name: stage["held_out"]
            for name, stage in stages.items()
            if "held_out" in stage
        },
        "tflm": tflm["value"],
        "tflm_agreement": tflm["agreement"],
        "arena_bytes": tflm["arena_bytes"],
        "calibration": manifest["calibration"],
        "recipe": recipe,
        "seconds": manifest["stage_seconds"],
        "resumed": sorted(name for name, stage in stages.items() if stage["resumed"]),
        "command": command,
        "package_version": manifest["package_version"],
        "environment": manifest["environment"],
    }


def main(_: list[str]) -> None:
    """Writes the record and prints where."""
    path = pathlib.Path(_BUNDLE.value) / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    found = record(manifest, _TASK.value, _COMMAND.value)
    method = "-".join(filter(None, (found["method"], _VARIANT.value)))
    name = f"{method}-{found['max_model_bytes']}-{found['seed']}.json"
    target = _RESULTS / _TASK.value / name
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".tmp")
    temporary.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    temporary.replace(target)
    print(target)


if __name__ == "__main__":
    app.run(main)
