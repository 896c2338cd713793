"""What a job does where it is not told, and how it is asked for again."""

import pathlib
import shlex

import pytest

from ei_bert_tf.compat import keras
from ei_bert_tf.errors import InputError
from ei_bert_tf.job import Job
from ei_bert_tf.recipe import METHODS, PRESET_METHODS, PRESETS, Recipe


@pytest.mark.parametrize("preset", PRESETS)
def test_the_method_is_the_presets_unless_given(preset):
    assert Job(preset=preset).method == PRESET_METHODS[preset]
    for method in METHODS:
        assert Job(preset=preset, method=method).method == method


def test_the_command_has_what_is_no_default():
    job = Job(
        train=pathlib.Path("my data/train.tsv"),
        evaluate="dev.tsv",
        text=("first", "second"),
        label="label",
        header=False,
        seed=3,
        max_model_bytes=500_000,
    )
    assert shlex.split(job.command()) == [
        "python",
        "-m",
        "tools.compress",
        "--train_file=my data/train.tsv",
        "--eval_file=dev.tsv",
        "--text_columns=first,second",
        "--label_column=label",
        "--noheader",
        "--max_model_bytes=500000",
        "--method=cross",
        "--seed=3",
    ]


def test_a_named_data_set_is_enough():
    command = Job(dataset="builtin:bbc_news", text="text").command()
    words = ["--text_columns=text", "--dataset=builtin:bbc_news", "--method=cross"]
    assert shlex.split(command) == ["python", "-m", "tools.compress", *words]


def test_sizes_take_the_place_of_the_limit():
    job = Job(dataset="builtin:bbc_news", sizes=[9000, 8000], max_model_bytes=8000)
    words = shlex.split(job.command())
    assert "--sizes=9000,8000" in words
    assert not any("max_model_bytes" in word for word in words)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 10**400], ids=["nan", "inf", "10**400"]
)
def test_a_choice_that_is_no_finite_number_is_refused(value):
    with pytest.raises(InputError, match=r"task_weight is .*; not finite"):
        Recipe.preset("quick", {"task_weight": value})


def test_the_largest_seed_that_a_job_takes_makes_a_classifier():
    seed = Job(seed=2**63 - 1).seed
    made = keras.initializers.TruncatedNormal(seed=seed)(shape=(3, 2))
    assert made.shape == (3, 2)
