"""A plan of benchmark jobs: method x task x size x seed, in order of value."""

import dataclasses
import json
import pathlib
from typing import Any

from ei_bert_tf.ablation.baselines import BASELINES
from ei_bert_tf.ablation.task_data import Part, TaskData
from ei_bert_tf.errors import AnyPath, InputError
from ei_bert_tf.job import Job
from ei_bert_tf.recipe import METHODS, Recipe


@dataclasses.dataclass(frozen=True)
class PlannedJob:
    """One training, or one baseline.

    Attributes:
        task: a key of the plan's tasks.
        method: a method of tools.compress, or one of BASELINES.
        max_model_bytes, seed: as the flags.
        minutes: predicted for two cores, of what is left when stages are shared with
            the jobs before it.
        variant: names what differs from the preset standard, the built-in teacher and
            no texts without labels, "" for nothing.
        recipe: choices that differ.
        teacher: as the flag.
        unlabeled: names texts without labels of the task, "" for none.
    """

    task: str
    method: str
    max_model_bytes: int
    seed: int
    minutes: float
    variant: str = ""
    recipe: dict[str, Any] = dataclasses.field(default_factory=dict)
    teacher: str = Job.teacher
    unlabeled: str = ""

    @property
    def name(self) -> str:
        """METHOD[-VARIANT]-MAX_MODEL_BYTES-SEED, of the record's file and folder."""
        method = "-".join(filter(None, (self.method, self.variant)))
        return f"{method}-{self.max_model_bytes}-{self.seed}"

    @property
    def is_baseline(self) -> bool:
        return self.method in BASELINES

    def record_path(self, results: pathlib.Path) -> pathlib.Path:
        """Where the job's record is, if the job is done.

        Args:
            results: `benchmarks/`: records of students are in its `results/`, those of
                baselines, which are no int8 students, in its `baselines/`.
        """
        folder = results / ("baselines" if self.is_baseline else "results")
        return folder / self.task / f"{self.name}.json"


@dataclasses.dataclass(frozen=True)
class Plan:
    """Tasks by name, and jobs in the order in which they are worth doing."""

    tasks: dict[str, TaskData]
    jobs: tuple[PlannedJob, ...]

    @classmethod
    def read(cls, path: AnyPath) -> "Plan":
        """Reads `{"tasks": {NAME: {...}}, "jobs": [{...}]}`.

        A job's `seeds` and `methods` may be lists: then it stands for one job for each,
        all methods of a seed before the next seed.

        Raises:
            InputError: no such file, no JSON, or something in it that is not accepted.
        """
        try:
            content = json.loads(pathlib.Path(path).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"--plan={path}: {error}") from error
        try:
            tasks = {name: _task_data(task) for name, task in content["tasks"].items()}
            jobs = tuple(job for line in content["jobs"] for job in _jobs(line))
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"--plan={path}: {error!r}") from error
        names = set()
        for job in jobs:
            where = f"--plan={path}: job {job.task}/{job.name}"
            if job.task not in tasks:
                raise InputError(f"{where}: task; accepted: {', '.join(tasks)}")
            if job.method not in (*METHODS, *BASELINES):
                accepted = ", ".join((*METHODS, *BASELINES))
                raise InputError(f"{where}: method; accepted: {accepted}")
            texts = tasks[job.task].unlabeled
            if job.unlabeled and job.unlabeled not in texts:
                accepted = ", ".join(texts) or "none"
                raise InputError(f"{where}: unlabeled; accepted: {accepted}")
            differs = job.recipe or job.unlabeled or job.teacher != Job.teacher
            if bool(job.variant) != bool(differs):
                raise InputError(
                    f"{where}: a variant names another recipe or teacher, or texts "
                    "without labels"
                )
            if (job.task, job.name) in names:
                raise InputError(f"{where}: stands there twice")
            Recipe.preset("standard", job.recipe)
            names.add((job.task, job.name))
        return cls(tasks, jobs)


def _jobs(line: dict[str, Any]) -> list[PlannedJob]:
    common = {k: v for k, v in line.items() if k not in ("methods", "seeds")}
    return [
        PlannedJob(**common, method=method, seed=seed)
        for seed in line["seeds"]
        for method in line["methods"]
    ]


def _task_data(task: dict[str, Any]) -> TaskData:
    texts = task.get("unlabeled", {}).items()
    read = {
        "text": tuple(task["text"]),
        "train": _parts(task["train"]),
        "evaluate": _parts(task["evaluate"]),
        "unlabeled": {name: _parts(files) for name, files in texts},
    }
    return TaskData(**(task | read))


def _parts(files: list[dict[str, Any]]) -> tuple[Part, ...]:
    return tuple(Part(**file) for file in files)
