"""report.html is one valid page, and says what report.json says."""

import html.parser
import json

import pytest

from ei_bert_tf.reporting.report import REPORT_FILES, Report, stage_changes

VOID = ("meta", "br")


def contents(labels=("on", "off"), **changes):
    """Of a run that never was."""
    found = {
        "run": {
            "task": {
                "labels": list(labels),
                "text_columns": ["text"],
                "metric": "accuracy",
            },
            "teacher_name": "a <teacher>",
            "seed": 7,
            "recipe": {"student_epochs": 13},
            "student": {"layers": 3},
            "environment": {
                "python": "3.11",
                "cpu": "some",
                "threads": 2,
                "packages": {"numpy": "2"},
            },
            "package_version": "0.1",
            "train_examples": 1234,
            "max_model_bytes": 10**6,
            "method": "kd",
            "preset": "quick",
            "command": "python -m tools.compress --seed=7",
        },
        "stages": [
            stage("teacher", 0.75, 90_000_000) | {"held_out": 0.625},
            stage("student_int8", 0.71875, 990_000),
        ],
        "runtimes": {
            name: {"value": 0.71875, "agreement": 0.9921875}
            for name in ("litert", "litert_reference", "tflm")
        },
        "operator_differences": [
            {
                "op": "ADD",
                "tensors": 17,
                "elements": 9,
                "different_share": 0.015625,
                "max_steps": 3,
            }
        ],
        "calibration": {
            "temperature": 1.5,
            "unknown_threshold": 0.25,
            "expected_calibration_error": 0.03,
            "uncalibrated_error": 0.09,
            "unknown_auroc": 0.875,
        },
        "segmentation": {"mean_tokens": 12.5, "unknown_share": 0.001},
        "parts": {"embedding": 500_000, "graph": 490_000},
        "flash": {
            "cortex-m4": {"model": 990_000, "tokenizer": 2174},
            "cortex-m55": {"model": 990_000, "tokenizer": 2214},
        },
        "layers": [{"layer": "pooler", "signal_to_noise_db": -3.5, "cosine": 0.5}],
        "vocabulary": {
            "teacher": 30522,
            "used": 9000,
            "kept": 4321,
            "kept_share_of_tokens": 0.9375,
            "dropped": ["gone", "##<b>"],
            "last_kept": ["kept"],
        },
        "classes": [
            {"label": label, "examples": 4, "recall": 0.5, "precision": None}
            for label in labels
        ],
        "confusions": [
            {"label": a, "predicted": b, "count": 10 + i}
            for i, (a, b) in enumerate((a, b) for a in labels for b in labels)
        ],
        "mistakes": [
            {
                "text": "<script>alert(1)</script>",
                "pair": None,
                "label": labels[0] if labels else 1.5,
                "predicted": labels[-1] if labels else 2.5,
                "probability": 0.984,
            }
        ],
    }
    found["runtimes"]["tflm"]["arena_bytes"] = 2048
    return found | changes


def stage(name, value, size):
    return {
        "name": name,
        "metric": "accuracy",
        "value": value,
        "bytes": size,
        "seconds": 61.25,
    }


class Page(html.parser.HTMLParser):
    """Tags that are open, and all text."""

    def __init__(self, page: str):
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        assert not {"src", "href", "onclick"} & {name for name, _ in attributes}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        """Closes itself."""

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"labels": [f"class {number}" for number in range(13)]},
        {"labels": ()},
        {"mistakes": []},
        {"sparsity": {"target": 0.5}},
    ],
    ids=["matrix", "many classes", "regression", "no mistake", "sparse"],
)
def test_the_page_is_whole_and_needs_nothing_else(changes):
    page = Page(Report(contents(**changes)).page())
    assert page.open == []
    assert "{{" not in page.text and "None" not in page.text


def test_the_page_says_what_was_measured():
    text = " ".join(Page(Report(contents()).page()).text.split())
    for said in (
        *("75.00", "71.88", "-3.12", "62.50", "99.22", "0.990 MB", "2.0 KB"),
        *("4321 of the teacher's 30522", "93.75 %", "2174", "2214", "-3.5"),
        *("<script>alert(1)</script>", "gone · ##<b>", "temperature 1.500", "0.875"),
        "python -m tools.compress --seed=7",
    ):
        assert said in text, said


def test_of_many_classes_the_commonest_confusions_stand():
    labels = [f"class {number}" for number in range(13)]
    text = " ".join(Page(Report(contents(labels)).page()).text.split())
    assert "The commonest confusions of 13 classes" in text
    assert text.count("taken for") >= 2 and "true, by row" not in text


def test_both_files_are_written(tmp_path):
    report = Report(contents())
    report.write(tmp_path)
    report.write(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(REPORT_FILES)
    written = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert written == {"format_version": 1} | contents()
    assert (tmp_path / "report.html").read_text("utf-8") == report.page()


def test_students_are_compared_with_students_and_teachers_with_teachers():
    names = ("teacher", "student_distilled", "teacher_refined", "student_before_qat")
    values = (0.9, 0.8, 0.95, 0.85)
    stages = [stage(n, v, 1) for n, v in zip(names, values, strict=True)]
    changes = stage_changes(stages)
    assert changes[0] is None
    assert changes[1:] == pytest.approx([-0.1, 0.05, 0.05])
