"""Runs the jobs of a plan that have no record yet, as many as the time allows."""

import json
import multiprocessing
import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any

from ei_bert_tf.ablation.baselines import BASELINES
from ei_bert_tf.ablation.plan import Plan, PlannedJob
from ei_bert_tf.ablation.record import bundle_record, write_record
from ei_bert_tf.bundle import Bundle
from ei_bert_tf.composition import compress, environment
from ei_bert_tf.errors import InputError
from ei_bert_tf.job import Job
from ei_bert_tf.version import __version__


def run_plan(
    plan: Plan,
    command: str,
    data: pathlib.Path,
    results: pathlib.Path,
    work_dir: pathlib.Path,
    minutes: float,
    tell: Callable[[str], None],
) -> int:
    """Runs jobs in the plan's order, each in a process of its own.

    Jobs of one task share their stages in `work_dir`, so that a teacher is trained once
    a seed. A job that was cut off goes on from its last checkpoint.

    Args:
        command: what the records name as what made them.
        data: folder of the tasks' files.
        results: folder of the records (PlannedJob.record_path).
        work_dir: for bundles and stages.
        minutes: no job is begun that is predicted to end later than that.
        tell: told of each job in a line.

    Returns:
        How many jobs failed.
    """
    start = time.monotonic()
    failed = 0
    context = multiprocessing.get_context("spawn")
    for job in plan.jobs:
        if job.record_path(results).is_file():
            continue
        passed = (time.monotonic() - start) / 60
        if passed + job.minutes > minutes:
            tell(f"{job.task}/{job.name}: left for later, {job.minutes:g} minutes")
            continue
        tell(f"{job.task}/{job.name}: {job.minutes:g} minutes predicted")
        process = context.Process(
            target=_guarded, args=(plan, job, command, data, results, work_dir)
        )
        process.start()
        process.join()
        taken = (time.monotonic() - start) / 60 - passed
        if process.exitcode == 0:
            tell(f"{job.task}/{job.name}: done in {taken:.1f} minutes")
        else:
            failed += 1
            tell(f"{job.task}/{job.name}: failed with status {process.exitcode}")
    return failed


def _guarded(plan: Plan, job: PlannedJob, *others: Any) -> None:
    """run_job in its process: what a user can mend is one line, not a traceback."""
    try:
        run_job(plan, job, *others)
    except (InputError, OSError) as error:
        print(f"{job.task}/{job.name}: {error}", file=sys.stderr)
        sys.exit(1)


def run_job(
    plan: Plan,
    job: PlannedJob,
    command: str,
    data: pathlib.Path,
    results: pathlib.Path,
    work_dir: pathlib.Path,
) -> None:
    """Runs one job and writes its record."""
    folder = work_dir / job.task
    task = plan.tasks[job.task]
    choices: dict[str, Any] = task.prepare(data, folder / "data", job.unlabeled)
    choices |= {
        "max_model_bytes": job.max_model_bytes,
        "seed": job.seed,
        "teacher": job.teacher,
    }
    if job.is_baseline:
        record = _baseline_record(job, Job(**choices), command)
    else:
        bundle = _bundle(job, choices, folder)
        record = bundle_record(bundle.manifest, job.task, command, job.variant)
    write_record(record, job.record_path(results))


def _bundle(job: PlannedJob, choices: dict[str, Any], folder: pathlib.Path) -> Bundle:
    if job.recipe:
        recipe = folder / "data" / f"{job.variant}.json"
        recipe.write_text(json.dumps(job.recipe), "utf-8")
        choices = choices | {"recipe": recipe}
    return compress(
        output_dir=folder / job.name,
        shared_stages=folder / "stages",
        method=job.method,
        **choices,
    )


def _baseline_record(job: PlannedJob, asked: Job, command: str) -> dict[str, Any]:
    dataset, recipe = asked.load_dataset(), asked.read_recipe()
    start = time.monotonic()
    found = BASELINES[job.method](dataset, job.max_model_bytes, job.seed, recipe)
    return {
        "task": job.task,
        "metric": dataset.task.metric,
        "method": job.method,
        "max_model_bytes": job.max_model_bytes,
        "model_bytes": found.model_bytes,
        "seed": job.seed,
        "train_examples": len(dataset.train),
        "value": found.value,
        "held_out": found.held_out,
        "seconds": round(time.monotonic() - start, 1),
        "command": command,
        "package_version": __version__,
        "environment": environment(),
    }
