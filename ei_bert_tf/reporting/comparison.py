"""Two runs side by side, from what they report."""

import dataclasses
import json
import pathlib
from collections.abc import Callable
from typing import Any

from ei_bert_tf.errors import AnyPath, InputError, writing
from ei_bert_tf.reporting.pages import TEMPLATES
from ei_bert_tf.reporting.report import FORMAT_VERSION, REPORT_FILES

_OF_RUN = (
    *("teacher_name", "method", "preset", "seed", "train_examples"),
    *("max_model_bytes", "package_version"),
)


@dataclasses.dataclass(frozen=True)
class Row:
    """What both runs say of one thing, as it is shown; `change` is empty where the two
    are no numbers or the same."""

    name: str
    first: str
    second: str
    change: str


@dataclasses.dataclass(frozen=True)
class Section:
    """Rows that belong together."""

    title: str
    rows: list[Row]


class Comparison:
    """The second run beside the first.

    Args:
        first, second: folders of bundles, or their report.json.

    Attributes:
        names: of the runs: their folders, as they were given.
        sections: what differs or could, in the order of the report.

    Raises:
        InputError: no report is there, or one of another format.
    """

    def __init__(self, first: AnyPath, second: AnyPath):
        self.names = [str(first), str(second)]
        self._reports = [_read(first), _read(second)]
        same_task = len({json.dumps(r["run"]["task"]) for r in self._reports}) == 1
        self.sections = [
            Section("Runs", self._rows(_run, _plain)),
            Section("Metric, in hundredths", self._rows(_values, _percent)),
            Section("Bytes", self._rows(_sizes, _whole)),
            Section("Seconds", self._rows(_seconds, _tenth)),
            Section("Agreement of the engines, %", self._rows(_agreement, _percent)),
            Section("Signal to noise of int8, dB", self._rows(_noise, _tenth)),
            Section("Choices that differ", self._differing(_choices)),
        ]
        if same_task and "classes" in self._reports[0]:
            recalls = Section("Recall by class, %", self._rows(_recalls, _percent))
            self.sections.insert(5, recalls)

    def text(self) -> str:
        """A table for a terminal."""
        rows = [row for section in self.sections for row in section.rows]
        widths = [
            max(map(len, [heading, *(getattr(row, field) for row in rows)]))
            for heading, field in (("", "name"), ("A", "first"), ("B", "second"))
        ]
        lines = [f"A  {self.names[0]}", f"B  {self.names[1]}"]
        for section in self.sections:
            if not section.rows:
                continue
            lines += ["", section.title]
            for row in section.rows:
                cells = (row.name.ljust(widths[0]), row.first.rjust(widths[1]))
                line = "  ".join([*cells, row.second.rjust(widths[2]), row.change])
                lines.append(f"  {line}".rstrip())
        return "\n".join(lines)

    def page(self) -> str:
        """One page of HTML that needs no other file."""
        return TEMPLATES.get_template("comparison.html.j2").render(
            names=self.names, sections=self.sections
        )

    def write(self, path: AnyPath) -> None:
        """Leaves the page there, whole or not at all.

        Raises:
            InputError: a folder is there.
        """
        target = pathlib.Path(path)
        if target.is_dir():
            raise InputError(f"--html={path}: is a folder; accepted: a file to write")
        temporary = target.with_name(f".{target.name}.tmp")
        with writing(target):
            temporary.write_text(self.page(), "utf-8")
            temporary.replace(target)

    def _rows(
        self,
        of: Callable[[dict[str, Any]], dict[str, Any]],
        shown: Callable[[Any], str],
    ) -> list[Row]:
        first, second = (of(report) for report in self._reports)
        return [
            _row(name, first.get(name), second.get(name), shown)
            for name in [*first, *(name for name in second if name not in first)]
        ]

    def _differing(self, of: Callable[[dict[str, Any]], dict[str, Any]]) -> list[Row]:
        rows = self._rows(of, _plain)
        return [row for row in rows if row.first != row.second]


def _read(path: AnyPath) -> dict[str, Any]:
    file = pathlib.Path(path)
    if file.is_dir():
        file = file / REPORT_FILES[0]
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no bundle with a report: {error}") from error
    version = found.get("format_version") if isinstance(found, dict) else None
    if version != FORMAT_VERSION:
        raise InputError(
            f"{file}: format_version is {version!r}; accepted: {FORMAT_VERSION}"
        )
    if "run" not in found:
        raise InputError(f"{file}: no report.json of a bundle")
    return found


def _row(name: str, first: Any, second: Any, shown: Callable[[Any], str]) -> Row:
    cells = ["-" if value is None else shown(value) for value in (first, second)]
    change = ""
    numbers = all(type(value) in (int, float) for value in (first, second))
    if numbers and first != second:
        change = ("+" if second > first else "-") + shown(abs(second - first))
    return Row(name, *cells, change)


def _plain(value: Any) -> str:
    return str(value)


def _whole(value: int) -> str:
    return f"{value:,}"


def _tenth(value: float) -> str:
    return f"{value:.1f}"


def _percent(value: float) -> str:
    return f"{100 * value:.2f}"


def _run(report: dict[str, Any]) -> dict[str, Any]:
    run = report["run"]
    task = run["task"]
    classes = str(len(task["labels"])) if task["labels"] else "regression"
    found = {name: str(run[name]) for name in _OF_RUN}
    return {"metric": task["metric"], "classes": classes} | found


def _values(report: dict[str, Any]) -> dict[str, Any]:
    found = {stage["name"]: stage["value"] for stage in report["stages"]}
    return found | {f"in {k}": v["value"] for k, v in report["runtimes"].items()}


def _sizes(report: dict[str, Any]) -> dict[str, Any]:
    found = {stage["name"]: stage["bytes"] for stage in report["stages"]}
    found |= {f"of it {name}": size for name, size in report["parts"].items()}
    return found | {"arena in TFLM": report["runtimes"]["tflm"]["arena_bytes"]}


def _seconds(report: dict[str, Any]) -> dict[str, Any]:
    return dict(report["stage_seconds"])


def _agreement(report: dict[str, Any]) -> dict[str, Any]:
    return {name: found["agreement"] for name, found in report["runtimes"].items()}


def _noise(report: dict[str, Any]) -> dict[str, Any]:
    return {row["layer"]: row["signal_to_noise_db"] for row in report["layers"]}


def _recalls(report: dict[str, Any]) -> dict[str, Any]:
    return {row["label"]: row["recall"] for row in report["classes"]}


def _choices(report: dict[str, Any]) -> dict[str, Any]:
    student = report["run"]["student"]
    recipe = {key: str(value) for key, value in report["run"]["recipe"].items()}
    return recipe | {f"student: {key}": str(value) for key, value in student.items()}
