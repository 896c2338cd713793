"""Runs a plan of benchmark jobs: method x task x size x seed, in order of value.

A job that has a record is not run again, and one that was cut off goes on from its last
checkpoint, so the same command is repeated until nothing is left. The records are JSON
files, one a job, in results/TASK/ (students) and baselines/TASK/ of --results.
"""

import functools
import pathlib

from absl import flags

from . import _program

_PLAN = flags.DEFINE_string("plan", None, "JSON file of tasks and jobs.")
_DATA = flags.DEFINE_string("data", None, "Folder of the tasks' files.")
_RESULTS = flags.DEFINE_string("results", "benchmarks", "Folder of the records.")
_WORK_DIR = flags.DEFINE_string(
    "work_dir", "build/ablate", "Folder for bundles and for the stages that jobs share."
)
_MINUTES = flags.DEFINE_float(
    "minutes", 150.0, "No job is begun that is predicted to end later than that."
)
_LIST = flags.DEFINE_bool(
    "list", False, "Only say which jobs are done and which are left."
)


def main(_: list[str]) -> None:
    """Runs or lists the jobs of the plan."""
    # Imported here because TensorFlow takes seconds, which --help need not.
    from ei_bert_tf.ablation.plan import Plan
    from ei_bert_tf.ablation.runner import run_plan
    from ei_bert_tf.errors import InputError

    plan = Plan.read(_PLAN.value)
    results = pathlib.Path(_RESULTS.value)
    if _LIST.value:
        for job in plan.jobs:
            done = job.record_path(results).is_file()
            print("done" if done else f"{job.minutes:g} min", job.task, job.name)
        left = [job for job in plan.jobs if not job.record_path(results).is_file()]
        print(f"{len(left)} of {len(plan.jobs)} jobs, ", end="")
        print(f"{sum(job.minutes for job in left):g} minutes, are left")
        return
    if not _DATA.value:
        raise InputError(f"--data is missing: {flags.FLAGS['data'].help}")
    failed = run_plan(
        plan,
        f"python -m tools.ablate --plan={_PLAN.value} --data={_DATA.value}",
        pathlib.Path(_DATA.value),
        results,
        pathlib.Path(_WORK_DIR.value),
        _MINUTES.value,
        functools.partial(print, flush=True),
    )
    if failed:
        raise InputError(f"--plan={_PLAN.value}: {failed} jobs failed, see above")


def run() -> None:
    """The console script ei-bert-ablate."""
    _program.run(main, required=("plan",))


if __name__ == "__main__":
    run()
