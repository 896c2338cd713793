"""report.html is one valid page, and says what report.json says."""

import json

import pytest

from ei_bert_tf.reporting.report import REPORT_FILES, Report, stage_changes
from tests.reported import Page, contents, stage


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
        "norms81.250.2500 78.120.7500",
        *("3 large8.0 90.6 testa page", "2 unknown2.0"),
        "predicted from the operators, without CAST",
        *(
            "LiteRT 0.125 ms",
            "kernels 16.750 ms",
            "FULLY_CONNECTED7 0.1250100.0 % 16.7500100.0 %",
        ),
        *("1.5 KB, while ADD of <sum> runs", "positions 1024"),
    ):
        assert said in text, said


@pytest.mark.parametrize(("way", "said"), [("qat", "former"), ("ptq", "latter")])
def test_where_two_quantizations_were_compared_the_page_says_which_is_in_the_file(
    way, said
):
    plain = contents()
    assert "only rounded" not in Page(Report(plain).page()).text
    quantized = stage("student_float", 0.75, 4_000_000)
    quantized["quantization"] = {"way": way, "held_out": {"qat": 0.75, "ptq": 0.8125}}
    stages = [plain["stages"][0], quantized, plain["stages"][1]]
    text = " ".join(Page(Report(plain | {"stages": stages}).page()).text.split())
    assert (
        "has 75.00 after quantization-aware training and 81.25 when its weights are "
        f"only rounded: the file is of the {said}." in text
    )


def test_a_threshold_stands_without_the_curve_where_no_text_is_out_of_scope():
    calibration = contents()["calibration"] | {"unknown_auroc": None}
    page = Page(Report(contents(calibration=calibration)).page())
    text = " ".join(page.text.split())
    assert "below a probability of 0.250 a text is unknown." in text
    assert "area under the curve" not in text


def test_with_a_look_up_table_the_page_is_still_of_the_int8_file():
    plain = contents()
    tables = plain | {
        "stages": [*plain["stages"], stage("student_lookup_table", 0.5, 480_000)],
        "lookup_table": {"bytes": 480_000},
    }
    page = Report(tables).page()
    text = " ".join(Page(page).text.split())
    assert "<title>accuracy 0.719 at 0.990 MB</title>" in page
    assert "compressed 91 times" in text
    assert "0.990 MBmodel.tflite" in text
    assert "int8 in LiteRT -3.12against the teacher's 75.00" in text
    assert "embedding50000050.51" in text
    published = page[page.index("Beside published models") :]
    assert ">0.99 MB</text>" in published and ">0.48 MB</text>" not in published
    # The firmware runs the file with look-up tables.
    assert "beside the 480000 of the model" in text
    assert "3 student_lookup_table0.480 MB50.00 -21.88" in text
    assert "beside the 990000 of the model" in " ".join(
        Page(Report(plain).page()).text.split()
    )


def test_the_shapes_that_were_searched_are_shown():
    shapes = [
        {
            "config": {
                "hidden_size": width,
                "layers": 2,
                "distinct_blocks": shared,
                "heads": 3,
                "feed_forward_size": 77,
                "vocabulary_size": 999,
                "embedding_form": "table",
            },
            "model_bytes": size,
            "flash_bytes": 2048,
            "macs": 1_250_000,
            "loss": 0.5,
        }
        for width, shared, size in ((48, 1, 250_000), (64, 0, 500_000))
    ]
    budget = {"chosen": shapes[1], "front": shapes, "fitting": 5, "all": 9}
    budget["candidates"] = shapes[::-1]
    budget["trials"] = [{"candidate": 0, "steps": 123, "score": 0.875}]
    text = " ".join(Page(Report(contents(budget=budget)).page()).text.split())
    assert "Of 9 shapes 5 fit" in text
    assert "0.2502 1.250.500 482, 1 kept once3 77999table" in text
    assert "0.500 ←2 1.250.500 64" in text
    assert "12364 ←2 table9990.8750" in text


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
