"""What a benchmark keeps of a finished bundle."""

import json
import pathlib
from typing import Any

from ei_bert_tf.recipe import PRESET_METHODS


def bundle_record(
    manifest: dict[str, Any], task: str, command: str, variant: str = ""
) -> dict[str, Any]:
    """The fields of a record; metrics in 0..1.

    Args:
        manifest: the bundle's.
        task: the name of its data.
        command: the one that made it.
        variant: names a recipe that differs from the preset's.
    """
    stages = {stage["name"]: stage for stage in manifest["stages"]}
    recipe = manifest["recipe"]
    tflm = manifest["runtimes"]["tflm"]
    return {
        "task": task,
        "metric": manifest["task"]["metric"],
        "method": recipe["method"],
        "default": is_default(recipe, variant),
        "max_model_bytes": manifest["max_model_bytes"],
        "model_bytes": manifest["model_bytes"],
        "seed": manifest["seed"],
        "train_examples": manifest["train_examples"],
        "unlabeled_examples": manifest["unlabeled_examples"],
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


def is_default(recipe: dict[str, Any], variant: str) -> bool:
    """Whether a preset alone does what a manifest's recipe says."""
    method = PRESET_METHODS[recipe["preset"]]
    return (recipe["method"], recipe["student_start"], variant) == (method, "slice", "")


def write_record(record: dict[str, Any], path: pathlib.Path) -> None:
    """Writes it whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    temporary.replace(path)
