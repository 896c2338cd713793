import dataclasses

import numpy as np
import pytest

from ei_bert_tf.errors import InputError
from ei_bert_tf.task import NO_TARGET, Examples, Task
from ei_bert_tf.text.datasets import examples_of, hold_out, load_builtin, load_files

TRAIN = [("good", "pos"), ("bad", "neg"), ("fine", "pos")]


@pytest.fixture
def load(tmp_path):
    """Writes (text, label) rows as files and loads them."""

    def load_rows(train=TRAIN, evaluate=TRAIN[:1], test=None, unlabeled=None, **flags):
        files = {}
        for name, rows in [
            ("train_file", train),
            ("eval_file", evaluate),
            ("test_file", test),
            ("unlabeled_file", unlabeled),
        ]:
            files[name] = None
            if rows is not None:
                files[name] = tmp_path / f"{name}.tsv"
                heading = ("text", "label")[: len(rows[0])]
                lines = ["\t".join(row) + "\n" for row in [heading, *rows]]
                files[name].write_text("".join(lines), encoding="utf-8")
        defaults = {
            "text_columns": ["text"],
            "label_column": "label",
            "header": True,
            "task_type": "classification",
            "metric": None,
            "unknown_label": None,
        }
        return load_files(**files, **(defaults | flags))

    return load_rows


def refusal(load, **arguments) -> str:
    with pytest.raises(InputError) as caught:
        load(**arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def examples_with(targets, dtype=np.int32) -> Examples:
    return Examples([""] * len(targets), None, np.array(targets, dtype))


def classes(count: int) -> Task:
    names = tuple(str(index) for index in range(count))
    return Task("classification", ("text",), "label", "accuracy", names)


REGRESSION = Task("regression", ("text",), "score", "pearson")


@pytest.fixture
def load_evaluating_train(load):
    return lambda train, **flags: load(train=train, evaluate=train, **flags)


def test_labels_in_code_point_order(load_evaluating_train):
    rows = [("a", "b"), ("b", "B"), ("c", "é"), ("d", "10")]
    dataset = load_evaluating_train(rows)
    assert dataset.task.labels == ("10", "B", "b", "é")
    assert dataset.train.targets.tolist() == [2, 1, 3, 0]
    assert dataset.train.targets.dtype == np.int32
    assert dataset.train.pairs is None
    assert dataset.task.metric == "accuracy"
    assert dataset.test is None
    assert dataset.unlabeled is None


def test_integer_labels_in_numeric_order(load_evaluating_train):
    rows = [("a", "10"), ("b", "9"), ("c", "-1"), ("d", "9")]
    assert load_evaluating_train(rows).task.labels == ("-1", "9", "10")


def test_one_label_that_is_no_integer_makes_all_text(load_evaluating_train):
    rows = [("a", "10"), ("b", "9"), ("c", "x")]
    assert load_evaluating_train(rows).task.labels == ("10", "9", "x")


def test_pairs_and_jsonl_without_other_columns(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"b": "2", "a": "1", "y": 0}\n{"a": "3", "b": "4", "y": 1}\n')
    flags = (["a", "b"], "y", True, "classification", "f1", None)
    dataset = load_files(path, path, path, path, *flags)
    assert dataset.task.is_pair
    assert dataset.train.texts == ["1", "3"]
    assert dataset.train.pairs == ["2", "4"]
    assert len(dataset.test) == 2
    assert dataset.unlabeled.pairs == ["2", "4"]
    assert dataset.unlabeled.targets.tolist() == [NO_TARGET, NO_TARGET]


def test_empty_text_is_allowed(load):
    assert load(evaluate=[("", "pos"), ("  ", "neg")]).evaluate.texts == ["", "  "]


def test_unlabeled_needs_no_label_column(load):
    dataset = load(unlabeled=[("x",), ("y",)])
    assert dataset.unlabeled.texts == ["x", "y"]
    assert dataset.unlabeled.targets.tolist() == [NO_TARGET, NO_TARGET]


def test_texts_that_measure_are_no_texts_to_learn_from(load):
    dataset = load(
        evaluate=[("e", "pos")],
        test=[("t", "neg")],
        unlabeled=[("x",), ("t",), ("bad",), ("e",), ("good",), ("x",)],
    )
    held = np.array([1])  # "bad"
    assert dataset.unlabeled_beside(held).texts == ["x", "good", "x"]
    assert dataset.unlabeled_beside(held).targets.tolist() == [NO_TARGET] * 3


def test_a_pair_without_labels_is_one_that_measures_with_both_texts(tmp_path):
    def rows(name, *pairs):
        lines = "".join(f"{a}\t{b}\tpos\n" for a, b in pairs)
        (tmp_path / name).write_text(f"a\tb\ty\n{lines}r\ts\tneg\n")
        return tmp_path / name

    dataset = load_files(
        rows("train.tsv", ("1", "2")),
        rows("eval.tsv", ("3", "4")),
        None,
        rows("unlabeled.tsv", ("3", "4"), ("4", "3"), ("3", "5"), ("1", "2")),
        *(["a", "b"], "y", True, "classification", None, None),
    )
    beside = dataset.unlabeled_beside(np.array([], int))
    assert beside.texts == ["4", "3", "1"] and beside.pairs == ["3", "5", "2"]


def test_unknown_rows_leave_train_and_stay_in_eval(load):
    dataset = load(
        train=[*TRAIN, ("what", "oos")],
        evaluate=[("what", "oos"), ("good", "pos")],
        unknown_label="oos",
    )
    assert dataset.task.labels == ("neg", "pos")
    assert dataset.train.texts == ["good", "bad", "fine"]
    assert dataset.evaluate.targets.tolist() == [NO_TARGET, 1]


def test_regression_values(load):
    dataset = load(
        train=[("a", "1.5"), ("b", "-2e1")],
        evaluate=[("a", "3")],
        unlabeled=[("x",)],
        task_type="regression",
    )
    assert dataset.task.metric == "pearson"
    assert dataset.task.labels == ()
    assert dataset.train.targets.tolist() == [1.5, -20.0]
    assert dataset.train.targets.dtype == np.float32
    assert np.isnan(dataset.unlabeled.targets).all()


def test_examples_of_a_known_task(load, tmp_path):
    task = dataclasses.replace(load().task, text_columns=("0",), label_column="1")
    (tmp_path / "more.csv").write_text('"so, so",neg\n')
    examples = examples_of(tmp_path / "more.csv", task, False)
    assert examples.texts == ["so, so"]
    assert examples.targets.tolist() == [0]


@pytest.mark.parametrize("columns", [[], ["a", "b", "c"]])
def test_other_than_one_or_two_text_columns_are_refused(load, columns):
    message = refusal(load, text_columns=columns)
    assert f"--text_columns: {len(columns)} columns" in message


def test_pair_of_the_same_column_is_refused(load):
    assert "'text' stands twice" in refusal(load, text_columns=["text", "text"])


def test_label_column_as_text_column_is_refused(load):
    assert "--label_column: 'text'" in refusal(load, label_column="text")


def test_unknown_task_type_is_refused(load):
    assert "--task_type: 'ranking'" in refusal(load, task_type="ranking")


@pytest.mark.parametrize(
    ("metric", "task_type"),
    [
        ("bleu", "classification"),
        ("pearson", "classification"),
        ("spearman", "classification"),
        ("accuracy", "regression"),
        ("f1", "regression"),
        ("matthews", "regression"),
    ],
)
def test_metric_of_another_task_type_is_refused(load, metric, task_type):
    message = refusal(load, metric=metric, task_type=task_type)
    assert f"--metric: '{metric}'" in message


@pytest.mark.parametrize("metric", ["f1", "matthews"])
def test_two_class_metric_of_three_classes_is_refused(load, metric):
    message = refusal(load, train=[*TRAIN, ("hm", "neutral")], metric=metric)
    assert "the 3 classes" in message


def test_unknown_label_with_regression_is_refused(load):
    flags = {"task_type": "regression", "unknown_label": "oos"}
    assert "--unknown_label" in refusal(load, **flags)


def test_one_class_file_is_refused(load):
    message = refusal(load, train=TRAIN[:1])
    assert "train_file.tsv: 1 class ('pos')" in message


def test_one_class_beside_the_unknown_label_is_refused(load):
    train = [("good", "pos"), ("what", "oos")]
    assert "1 class ('pos')" in refusal(load, train=train, unknown_label="oos")


def test_one_target_for_all_is_refused(load):
    train = [("a", "1"), ("b", "1.0")]
    assert "target 1;" in refusal(load, train=train, task_type="regression")


@pytest.mark.parametrize("name", ["evaluate", "test"])
def test_label_that_train_lacks_is_refused(load, name):
    message = refusal(load, **{name: [("good", "pos"), ("eh", "neutral")]})
    assert ".tsv:3: label 'neutral'" in message
    assert "'neg', 'pos'" in message


def test_label_that_a_known_task_lacks_is_refused(load, tmp_path):
    task = load().task
    (tmp_path / "more.csv").write_text("text,label\nx,new\n")
    with pytest.raises(InputError, match=r"more\.csv:2: label 'new'"):
        examples_of(tmp_path / "more.csv", task, True)


def test_a_file_without_a_label_of_a_known_task_is_refused(load, tmp_path):
    task = load(unknown_label="oos").task
    (tmp_path / "more.csv").write_text("text,label\nc,oos\n")
    with pytest.raises(InputError, match="every row has the unknown label 'oos'"):
        examples_of(tmp_path / "more.csv", task, True)


def test_long_list_of_labels_is_cut(load):
    train = [(str(index), f"class{index:02}") for index in range(20)]
    message = refusal(load, train=train)
    assert "'class09', ..." in message
    assert "class10" not in message


@pytest.mark.parametrize("label", ["", "  "])
def test_empty_label_is_refused(load, label):
    message = refusal(load, train=[*TRAIN, ("x", label)])
    assert "train_file.tsv:5: broken row: the label is empty" in message


def test_label_with_a_control_character_is_refused(load):
    message = refusal(load, train=[*TRAIN, ("x", "a\rb")])
    assert "train_file.tsv:5: broken row: the label is 'a\\rb'" in message


@pytest.mark.parametrize("value", ["high", "nan", "inf", "1e39", "1_000", ""])
def test_target_that_is_no_finite_number_is_refused(load, value):
    train = [("a", "1"), ("b", value)]
    message = refusal(load, train=train, task_type="regression")
    assert f"train_file.tsv:3: broken row: the target is {value!r}" in message


def test_eval_file_of_unknown_rows_only_is_refused(load):
    message = refusal(load, evaluate=[("what", "oos")], unknown_label="oos")
    assert "every row has the unknown label 'oos'" in message


def test_unknown_builtin_is_refused():
    with pytest.raises(InputError, match="accepted: bbc_news, tweets"):
        load_builtin("news", None)


def test_hold_out_keeps_the_shares_of_the_classes():
    examples = examples_with([0] * 60 + [1] * 30 + [2] * 10)
    kept, held = hold_out(examples, classes(3), 0.1, 7, 1000)
    assert np.bincount(examples.targets[held]).tolist() == [6, 3, 1]
    assert sorted([*kept, *held]) == list(range(100))
    assert np.all(np.diff(kept) > 0)
    assert np.all(np.diff(held) > 0)


@pytest.mark.parametrize("task", [classes(2), REGRESSION])
def test_hold_out_is_the_same_for_the_same_seed(task):
    examples = examples_with([0, 1] * 50)
    first, again, other = (
        hold_out(examples, task, 0.2, seed, 1000) for seed in (7, 7, 8)
    )
    assert first[1].tolist() == again[1].tolist() != other[1].tolist()


def test_hold_out_takes_at_most_and_at_least():
    examples = examples_with([0, 1] * 50)
    assert len(hold_out(examples, classes(2), 0.5, 0, 8)[1]) == 8
    assert len(hold_out(examples, classes(2), 0.001, 0, 8)[1]) == 1


def test_hold_out_leaves_single_examples_in_train():
    examples = examples_with([0, 1, 1, 2, 3, 3])
    kept, held = hold_out(examples, classes(4), 0.9, 0, 100)
    assert sorted(examples.targets[kept]) == [0, 1, 2, 3]
    assert sorted(examples.targets[held]) == [1, 3]


def test_hold_out_of_regression_is_not_by_value():
    examples = examples_with(np.linspace(0, 1, 50), np.float32)
    kept, held = hold_out(examples, REGRESSION, 0.2, 0, 100)
    assert (len(kept), len(held)) == (40, 10)


def test_hold_out_with_nothing_to_spare_is_refused():
    with pytest.raises(InputError, match="2 rows and none to hold out"):
        hold_out(examples_with([0, 1]), classes(2), 0.1, 0, 100)
