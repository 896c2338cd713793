"""Jobs run in order, share their stages, and are not run again."""

import json

import pytest

from ei_bert_tf.ablation.plan import Plan
from ei_bert_tf.ablation.runner import run_job, run_plan
from tests.make_tiny_teacher import write_data, write_teacher

RECIPE = {
    "teacher_epochs": 1,
    "teacher_least_steps": 0,
    "teacher_class_steps": 0,
    "student_least_steps": 0,
    "quantization_least_steps": 0,
    "augmented_copies": 0,
    "student_epochs": 1,
    "quantization_epochs": 1,
}


@pytest.fixture
def setting(tmp_path):
    """A tiny teacher, its data, and a plan of a student and two baselines."""
    write_teacher(tmp_path / "teacher")
    (tmp_path / "data").mkdir()
    write_data(tmp_path / "data" / "train.tsv", 120, 1)
    write_data(tmp_path / "data" / "dev.tsv", 40, 2)
    (tmp_path / "data" / "more.txt").write_text("good film\nbad film\ndull\n")
    common = {"task": "tiny", "max_model_bytes": 1_910_000, "seeds": [0]}
    own = {"variant": "tiny", "recipe": RECIPE, "teacher": str(tmp_path / "teacher")}
    plan = {
        "tasks": {
            "tiny": {
                "text": ["text"],
                "label": "label",
                "train": [{"file": "train.tsv"}],
                "evaluate": [{"file": "dev.tsv"}],
                "unlabeled": {"more": [{"file": "more.txt", "columns": {"text": 0}}]},
                "max_seq_length": 13,
            }
        },
        "jobs": [
            common
            | own
            | {"methods": ["kd", "none"], "minutes": 1, "unlabeled": "more"},
            common | {"methods": ["tfidf"], "minutes": 0.1},
            common | {"methods": ["cross"], "minutes": 1000},
        ],
    }
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    return tmp_path


def folders(setting):
    return [setting / name for name in ("data", "results", "work")]


@pytest.mark.slow
def test_a_plan_runs_what_has_no_record_and_fits(setting):
    plan = Plan.read(setting / "plan.json")
    for job in plan.jobs[:2]:  # Here and not in processes: they are measured too.
        run_job(plan, job, "the command", *folders(setting))
    record = json.loads(plan.jobs[0].record_path(setting / "results").read_text())
    assert (record["method"], record["default"]) == ("kd", False)
    assert record["command"] == "the command"
    assert (record["train_examples"], record["unlabeled_examples"]) == (120, 3)
    assert record["recipe"]["teacher_epochs"] == 1
    stages = setting / "work" / "tiny" / "stages"
    names = sorted(path.name.split("-")[0] for path in stages.iterdir())
    # The teacher is trained once; each method has a student of its own.
    assert names.count("teacher") == names.count("vocabulary") == 1
    assert names.count("distillation") == names.count("quantization") == 2
    said = []
    failed = run_plan(plan, "again", *folders(setting), minutes=10.0, tell=said.append)
    assert failed == 0
    assert said[0] == "tiny/tfidf-1910000-0: 0.1 minutes predicted"
    assert said[1].startswith("tiny/tfidf-1910000-0: done in ")
    assert said[2] == "tiny/cross-1910000-0: left for later, 1000 minutes"
    found = json.loads(plan.jobs[2].record_path(setting / "results").read_text())
    assert 0.5 < found["value"] <= 1.0 and found["model_bytes"] < 1_910_000
    said.clear()
    run_plan(plan, "again", *folders(setting), minutes=10.0, tell=said.append)
    assert said == ["tiny/cross-1910000-0: left for later, 1000 minutes"]


@pytest.mark.slow
def test_a_job_that_fails_is_told_and_the_next_one_runs(setting):
    plan = Plan.read(setting / "plan.json")
    (setting / "data" / "dev.tsv").unlink()
    said = []
    failed = run_plan(plan, "x", *folders(setting), minutes=10.0, tell=said.append)
    assert failed == 3
    assert "tiny/kd-tiny-1910000-0: failed with status 1" in said
    assert not (setting / "results").exists()
