"""A plan is read whole or refused in one line."""

import json

import pytest

from ei_bert_tf.ablation.plan import Plan
from ei_bert_tf.errors import InputError

TASK = {
    "text": ["sentence"],
    "label": "label",
    "train": [{"file": "t/train.tsv"}],
    "evaluate": [{"file": "t/dev.tsv", "columns": {"sentence": 3, "label": 1}}],
    "unlabeled": {"news": [{"file": "news.txt", "columns": {"sentence": 0}}]},
}
LINE = {
    "task": "t",
    "methods": ["kd", "cross"],
    "seeds": [0, 1],
    "max_model_bytes": 1000,
    "minutes": 5,
}


def read(tmp_path, *lines):
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"tasks": {"t": TASK}, "jobs": lines}))
    return Plan.read(path)


def test_a_line_stands_for_its_methods_and_seeds(tmp_path):
    still = {"variant": "still", "recipe": {"refinement_teacher_learning_rate": 0.0}}
    plan = read(tmp_path, LINE, LINE | {"methods": ["cross"], "seeds": [0]} | still)
    assert [job.name for job in plan.jobs] == [
        "kd-1000-0",
        "cross-1000-0",
        "kd-1000-1",
        "cross-1000-1",
        "cross-still-1000-0",
    ]
    assert plan.tasks["t"].evaluate[0].columns == {"sentence": 3, "label": 1}


def test_texts_without_labels_are_named(tmp_path):
    (job,) = read(
        tmp_path,
        LINE | {"methods": ["kd"], "seeds": [0], "variant": "n", "unlabeled": "news"},
    ).jobs
    assert (job.name, job.unlabeled) == ("kd-n-1000-0", "news")


def test_records_of_students_and_baselines_lie_apart(tmp_path):
    plan = read(tmp_path, LINE | {"methods": ["kd", "tfidf"], "seeds": [3]})
    found = [job.record_path(tmp_path).relative_to(tmp_path) for job in plan.jobs]
    assert [path.as_posix() for path in found] == [
        "results/t/kd-1000-3.json",
        "baselines/t/tfidf-1000-3.json",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (LINE | {"task": "u"}, "task; accepted: t"),
        (LINE | {"methods": ["best"]}, "method; accepted: kd"),
        (LINE | {"variant": "x"}, "a variant names another recipe or teacher"),
        (LINE | {"recipe": {"layers": 2}}, "a variant names another recipe or teacher"),
        (LINE | {"unlabeled": "news"}, "another recipe or teacher, or texts without"),
        (
            LINE | {"variant": "x", "unlabeled": "books"},
            "unlabeled; accepted: news",
        ),
        (LINE | {"variant": "x", "recipe": {"layer": 2}}, "unknown choice 'layer'"),
        (LINE | {"seeds": [0, 0]}, "stands there twice"),
        ({"task": "t"}, "KeyError"),
        (LINE | {"hours": 1}, "TypeError"),
    ],
)
def test_what_is_not_accepted_is_named(tmp_path, line, said):
    with pytest.raises(InputError, match=said):
        read(tmp_path, line)


def test_a_missing_or_broken_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"--plan=.*No such file"):
        Plan.read(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(InputError, match="--plan="):
        Plan.read(tmp_path / "broken.json")
