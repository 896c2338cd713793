"""sizes.json and sizes.html: what each size of a run keeps."""

import json
import pathlib
from collections.abc import Sequence
from typing import Any

from ei_bert_tf.reporting.pages import TEMPLATES
from ei_bert_tf.reporting.plots import stage_plot

_FORMAT_VERSION = 1
_FILES = ("sizes.json", "sizes.html")


class SizesReport:
    """The curve of accuracy over size.

    Args:
        manifests: of the bundles of one run, from the largest.
    """

    def __init__(self, manifests: Sequence[dict[str, Any]]):
        first = manifests[0]
        teacher = first["stages"][0]
        self.contents = {
            "format_version": _FORMAT_VERSION,
            "task": first["task"],
            "metric": teacher["metric"],
            "teacher_name": first["teacher_name"],
            "teacher": {"value": teacher["value"], "bytes": teacher["bytes"]},
            "seed": first["seed"],
            "sizes": [_size(manifest) for manifest in manifests],
        }

    def write(self, folder: pathlib.Path) -> None:
        """Leaves both files in a folder."""
        text = json.dumps(self.contents, indent=1, ensure_ascii=False) + "\n"
        for name, content in zip(_FILES, (text, self.page()), strict=True):
            temporary = folder / f".{name}.tmp"
            temporary.write_text(content, "utf-8")
            temporary.replace(folder / name)

    def page(self) -> str:
        """One page of HTML that needs no other file."""
        metric = {"metric": self.contents["metric"]}
        points = [{"name": "teacher"} | self.contents["teacher"] | metric]
        for size in self.contents["sizes"]:
            point = {"name": f"at most {size['max_model_bytes']:,} bytes"}
            point |= {"bytes": size["model_bytes"], "value": size["litert"]}
            points.append(point | metric)
        return TEMPLATES.get_template("sizes.html.j2").render(
            self.contents, plot=stage_plot(points)
        )


def _size(manifest: dict[str, Any]) -> dict[str, Any]:
    """What one bundle has, of the file in each engine and of its last float student."""
    stages = {stage["name"]: stage for stage in manifest["stages"]}
    final, runtimes = stages["student_float"], manifest["runtimes"]
    return {
        "max_model_bytes": manifest["max_model_bytes"],
        "model_bytes": manifest["model_bytes"],
        "flash_bytes": manifest["flash_bytes"],
        "arena_bytes": runtimes["tflm"]["arena_bytes"],
        "student": manifest["student"],
        "student_float": final["value"],
        "held_out": final["held_out"],
        **{name: runtime["value"] for name, runtime in runtimes.items()},
    }
