"""Builds docs/results.md and its plot from the records: means over seeds, with spread.

usage: python -m benchmarks.table [--write]
Reads benchmarks/results/TASK/METHOD[-VARIANT]-MAX_MODEL_BYTES-SEED.json of students,
benchmarks/baselines/TASK/ of baselines, and benchmarks/plan.json for what is missing.
Values are in percent: of the teacher before it moves, of the float student before
quantization, of the .tflite in LiteRT and in TFLM. Prints the tables; with --write it
puts them into docs/results.md, behind what stands there above the mark, and draws
docs/sst2.svg.
"""

import collections
import json
import pathlib
import statistics
from typing import Any

from absl import app, flags

from benchmarks._pairs import Pairs, find_pairs, mean_interval
from benchmarks._plot import size_plot
from ei_bert_tf.ablation.plan import Plan
from ei_bert_tf.reporting.published import PUBLISHED

_WRITE = flags.DEFINE_bool("write", False, "Write docs/results.md and docs/sst2.svg.")
_FOLDER = pathlib.Path(__file__).parent
_DOCS = _FOLDER.parent / "docs"
_MARK = "<!-- From here on written by benchmarks/table.py. -->\n"
_VALUES = ("teacher", "student_before_qat", "student_int8", "tflm", "tflm_agreement")
_HEADER = (
    *("limit", "method", "seeds", "teacher", "before QAT", "int8", "TFLM"),
    *("TFLM agrees", "of the teacher's", "bytes"),
)
_PAIRS_HEADER = (
    *("task", "limit", "first stage", "second stage", "seeds"),
    *("first, int8", "second, int8", "points, 95 % interval"),
)
_WIDEST_MEGABYTES = 12.0  # Of the published models that are drawn.


def groups(folder: pathlib.Path) -> dict[tuple[str, int, str], list[dict[str, Any]]]:
    """Records of one task, size and method, sorted by these, one for each seed."""
    found = collections.defaultdict(list)
    for path in sorted(folder.glob("*/*.json")):
        method, limit, _ = path.stem.rsplit("-", 2)
        record = json.loads(path.read_text("utf-8"))
        found[path.parent.name, -int(limit), method].append(record)
    return dict(sorted(found.items(), key=lambda item: (item[0][0].lower(), item[0])))


def mean_and_spread(values: list[float]) -> str:
    """`mean`, or `mean ± standard deviation` of several seeds, in percent."""
    mean = f"{100 * statistics.mean(values):.1f}"
    if len(values) == 1:
        return mean
    return f"{mean} ± {100 * statistics.stdev(values):.1f}"


def task_tables() -> list[str]:
    """A heading and a table a task, in Markdown."""
    students, baselines = (groups(_FOLDER / name) for name in ("results", "baselines"))
    lines: list[str] = []
    for task in dict.fromkeys(key[0] for key in (*students, *baselines)):
        of_task = {key: x for key, x in students.items() if key[0] == task}
        others = {key: x for key, x in baselines.items() if key[0] == task}
        metric = next(iter({**of_task, **others}.values()))[0]["metric"]
        lines += ["", f"### {task}, {metric}", "", _row(_HEADER)]
        lines.append(_row(["---"] * len(_HEADER)))
        for (_, limit, method), records in of_task.items():
            cells = [mean_and_spread([r[name] for r in records]) for name in _VALUES]
            kept = [record["student_int8"] / record["teacher"] for record in records]
            size = max(record["model_bytes"] for record in records)
            name = f"**{method}**" if records[0]["default"] else method
            start = [f"{-limit:,}", name, _seeds(records)]
            lines.append(_row([*start, *cells, mean_and_spread(kept), f"{size:,}"]))
        for (_, limit, method), records in others.items():
            value = mean_and_spread([record["value"] for record in records])
            size = max(record["model_bytes"] for record in records)
            blank = ""
            cells = [blank, blank, value, blank, blank, blank, f"{size:,}"]
            lines.append(_row([f"{-limit:,}", method, _seeds(records), *cells]))
    return lines[1:]


def pair_tables() -> list[str]:
    """What the second stage adds, a row a task and recipe, in Markdown."""
    pairs = find_pairs(groups(_FOLDER / "results"))
    lines = [_row(_PAIRS_HEADER), _row(["---"] * len(_PAIRS_HEADER))]
    for of in pairs:
        firsts, seconds = zip(*of.values, strict=True)
        values = [mean_and_spread(list(each)) for each in (firsts, seconds)]
        seeds = ", ".join(map(str, of.seeds))
        start = [of.task, f"{of.limit:,}", of.kd, of.cross, seeds]
        lines.append(_row([*start, *values, mean_interval(of.differences)]))
    still = [of for of in pairs if "still" in of.cross]
    moving = [of for of in pairs if "still" not in of.cross]
    lines += ["", f"All with a moving teacher: {_all(moving)}; with a still one: "]
    lines[-1] += f"{_all(still)}."
    return lines


def _all(pairs: list[Pairs]) -> str:
    differences = [value for of in pairs for value in of.differences]
    return f"{mean_interval(differences)} points ({len(differences)} pairs)"


def missing() -> list[str]:
    """Which jobs of the plan have no record, in Markdown."""
    plan = Plan.read(_FOLDER / "plan.json")
    left = [job for job in plan.jobs if not job.record_path(_FOLDER).is_file()]
    found: dict[str, list[str]] = collections.defaultdict(list)
    for job in left:
        found[job.task].append(f"`{job.name}`")
    if not left:
        return ["All jobs of the plan have a record."]
    minutes = sum(job.minutes for job in left)
    return [
        f"{len(left)} of the {len(plan.jobs)} jobs of `benchmarks/plan.json` have no "
        f"record yet, {minutes:g} minutes by its own prediction:",
        "",
        *(f"- {task}: {', '.join(names)}" for task, names in found.items()),
    ]


def sst2_plot() -> str:
    """SVG of SST-2's accuracy over the size of the file.

    Of a size the method that is the default stands for all; the table has the others.
    Students that had texts without labels are points of their own.
    """
    ours, baselines = {}, {}
    for (task, limit, method), records in groups(_FOLDER / "results").items():
        place = limit, records[0].get("unlabeled_examples", 0) > 0
        if task == "SST-2" and (place not in ours or records[0]["default"]):
            size = statistics.mean(record["model_bytes"] for record in records)
            value = statistics.mean(record["student_int8"] for record in records)
            ours[place] = (method, size / 1e6, 100 * value)
    for (task, _, method), records in groups(_FOLDER / "baselines").items():
        if task == "SST-2":
            (record,) = records
            size = record["model_bytes"] / 1e6
            baselines[method] = (size, 100 * record["value"])
    published = {
        model.name if model.split == "dev" else f"{model.name} ({model.split})": (
            model.megabytes,
            100 * model.sst2,
        )
        for model in PUBLISHED
        if model.sst2 is not None and model.megabytes < _WIDEST_MEGABYTES
    }
    return size_plot("SST-2 accuracy, %", list(ours.values()), published, baselines)


def main(_: list[str]) -> None:
    """Prints or writes."""
    if not _WRITE.value:
        print(tables(), end="")
        return
    for path, content in documents().items():
        temporary = path.with_suffix(".tmp")
        temporary.write_text(content, "utf-8")
        temporary.replace(path)


def tables() -> str:
    """All tables, the pairs of methods, and what is missing."""
    lines = [*task_tables(), "", "### What the second stage of `cross` adds", ""]
    lines += [*pair_tables(), "", "### What is missing", "", *missing()]
    return "".join(f"{line}\n" for line in lines)


def documents() -> dict[pathlib.Path, str]:
    """What the files in docs/ have to hold."""
    page = _DOCS / "results.md"
    by_hand = page.read_text("utf-8").split(_MARK)[0]
    return {
        page: f"{by_hand}{_MARK}\n{tables()}",
        _DOCS / "sst2.svg": sst2_plot(),
    }


def _seeds(records: list[dict[str, Any]]) -> str:
    return ", ".join(str(record["seed"]) for record in records)


def _row(cells) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    app.run(main)
