"""Two reports side by side say what both say, and what has changed."""

import json

import pytest

from ei_bert_tf.errors import InputError
from ei_bert_tf.reporting.comparison import Comparison
from ei_bert_tf.reporting.report import Report
from tests.programs import refusal, run_program
from tests.reported import Page, contents, stage


def bundle(folder, **changes):
    found = contents() | {"stage_seconds": {"teacher": 12.5}} | changes
    folder.mkdir()
    Report(found).write(folder)
    return folder


@pytest.fixture
def runs(tmp_path):
    first = bundle(tmp_path / "first")
    stages = [
        stage("teacher", 0.75, 90_000_000),
        stage("teacher_refined", 0.765625, 90_000_000),
        stage("student_int8", 0.6875, 490_000),
    ]
    run = contents()["run"] | {"recipe": {"student_epochs": 17, "quantization": "ptq"}}
    second = bundle(tmp_path / "second", stages=stages, run=run)
    return first, second


def rows(comparison):
    return {
        (section.title, row.name): (row.first, row.second, row.change)
        for section in comparison.sections
        for row in section.rows
    }


def test_what_changed_is_told_with_its_sign(runs):
    found = rows(Comparison(*runs))
    metric = "Metric, in hundredths"
    assert found[metric, "teacher"] == ("75.00", "75.00", "")
    assert found[metric, "student_int8"] == ("71.88", "68.75", "-3.12")
    assert found[metric, "teacher_refined"] == ("-", "76.56", "")
    assert found["Bytes", "student_int8"] == ("990,000", "490,000", "-500,000")
    assert found["Seconds", "teacher"] == ("12.5", "12.5", "")
    assert found["Recall by class, %", "on"] == ("50.00", "50.00", "")


def test_choices_stand_only_where_they_differ(runs):
    found = [key[1] for key in rows(Comparison(*runs)) if key[0].startswith("Choices")]
    assert found == ["student_epochs"]


def test_classes_of_different_tasks_are_not_compared(runs, tmp_path):
    other = bundle(tmp_path / "other", **contents(labels=("a", "b")))
    titles = [section.title for section in Comparison(runs[0], other).sections]
    assert "Recall by class, %" not in titles


def test_the_page_says_what_the_table_says(runs):
    comparison = Comparison(*runs)
    page = Page(comparison.page())
    assert page.open == []
    for row in (row for section in comparison.sections for row in section.rows):
        for said in (row.name, row.first, row.second, row.change):
            assert said in page.text
            assert said in comparison.text()


def test_a_report_is_found_by_its_file_too(runs):
    files = [folder / "report.json" for folder in runs]
    assert rows(Comparison(*files)) == rows(Comparison(*runs))


def test_no_report_and_another_format_are_refused(runs, tmp_path):
    with pytest.raises(InputError, match="nowhere: no bundle with a report"):
        Comparison(runs[0], tmp_path / "nowhere")
    file = runs[0] / "report.json"
    file.write_text(json.dumps({"format_version": 0}), "utf-8")
    with pytest.raises(InputError, match="format_version is 0; accepted: 1"):
        Comparison(*runs)
    # A manifest has a format of its own, whose number may be the same.
    file.write_text(json.dumps({"format_version": 1}), "utf-8")
    with pytest.raises(InputError, match=r"report\.json: no report\.json of a bundle"):
        Comparison(*runs)


@pytest.mark.parametrize("name", [".", "folder"])
def test_a_folder_in_the_pages_place_is_refused(runs, tmp_path, monkeypatch, name):
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=f"--html={name}: is a folder"):
        Comparison(*runs).write(name)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_program_prints_the_table_and_leaves_the_page(runs, tmp_path):
    page = tmp_path / "both.html"
    done = run_program("compare_reports", *map(str, runs), f"--html={page}")
    assert done.returncode == 0
    assert done.stdout.decode() == Comparison(*runs).text() + "\n"
    assert page.read_text("utf-8") == Comparison(*runs).page()


def test_another_number_of_bundles_is_refused():
    assert "1 bundles are given; accepted: two" in refusal("compare_reports", "one")
