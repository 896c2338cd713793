"""report.json and report.html: what was kept and what was lost, step by step."""

import json
import pathlib
from collections.abc import Sequence
from typing import Any

from ei_bert_tf.reporting.pages import TEMPLATES
from ei_bert_tf.reporting.plots import (
    arena_plot,
    is_of_teacher,
    published_plot,
    stage_plot,
)

FORMAT_VERSION = 1
REPORT_FILES = ("report.json", "report.html")
# More classes make a matrix that nobody reads: then the commonest confusions stand.
_MOST_CLASSES_OF_A_MATRIX = 12
_MOST_CONFUSIONS = 20


def stage_changes(stages: Sequence[dict[str, Any]]) -> list[float | None]:
    """What each stage changed of the metric: a teacher's against the teacher before it,
    a student's against the student before it, the first student's against the first
    teacher; None for the first stage."""
    changes: list[float | None] = []
    last: dict[bool, float] = {}
    for stage in stages:
        is_teacher = is_of_teacher(stage)
        before = last.get(is_teacher, stages[0]["value"])
        changes.append(stage["value"] - before if last else None)
        last[is_teacher] = stage["value"]
    return changes


class Report:
    """What a run tells of itself.

    Args:
        contents: plain data, which report.json holds as it is:
            `run` `{task, teacher_name, seed, preset, method, recipe, student, command,
            environment, package_version, train_examples, max_model_bytes}`,
            `stages`, `runtimes`, `calibration`, `segmentation`, `operator_differences`
            as in the manifest, `parts` (bytes of the file by part), `flash` (bytes by
            core and part), `arena` (`{steps, peak}` of the activations in memory while
            each operator runs), `latency` (of operator_latency), `layers` (of
            layer_errors), `sensitivity` (of module_sensitivity, its values
            `{value, logits_error}`), `published`
            (fields of PublishedModel), `vocabulary`, where a shape was searched for
            `budget`, where there is that file `lookup_table` as in the manifest, for a
            classification `classes` and `confusions`, for all `mistakes`.
    """

    def __init__(self, contents: dict[str, Any]):
        self.contents = {"format_version": FORMAT_VERSION} | contents

    def write(self, folder: pathlib.Path) -> None:
        """Leaves REPORT_FILES in a folder."""
        text = json.dumps(self.contents, indent=1, ensure_ascii=False) + "\n"
        for name, content in zip(REPORT_FILES, (text, self.page()), strict=True):
            temporary = folder / f".{name}.tmp"
            temporary.write_text(content, "utf-8")
            temporary.replace(folder / name)

    def page(self) -> str:
        """One page of HTML that needs no other file."""
        found = self.contents
        labels = found["run"]["task"]["labels"]
        matrix = None
        if 0 < len(labels) <= _MOST_CLASSES_OF_A_MATRIX:
            counts = {
                (cell["label"], cell["predicted"]): cell["count"]
                for cell in found["confusions"]
            }
            matrix = [[counts.get((a, b), 0) for b in labels] for a in labels]
        wrong = [
            cell
            for cell in found.get("confusions", [])
            if cell["label"] != cell["predicted"]
        ]
        # That of the file with look-up tables may follow.
        final = next(s for s in found["stages"] if s["name"] == "student_int8")
        return TEMPLATES.get_template("report.html.j2").render(
            found,
            matrix=matrix,
            wrong=wrong[:_MOST_CONFUSIONS],
            stage_plot=stage_plot(found["stages"]),
            published_plot=published_plot(found["published"], final["bytes"]),
            arena_plot=arena_plot(found["arena"]["steps"]),
            changes=stage_changes(found["stages"]),
            teacher=found["stages"][0],
            final=final,
        )
