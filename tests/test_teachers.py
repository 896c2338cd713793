"""Other teachers than the built-in one go the whole road: a deep BERT, a DistilBERT."""

import json

import numpy as np
import pytest

import ei_bert_tf
from ei_bert_tf.student.inheritance import measure_slice
from ei_bert_tf.student.sizing import choose_config
from ei_bert_tf.teacher.backbone import load_teacher
from tests.make_tiny_teacher import write_data, write_distilbert, write_teacher

RECIPE = {
    "teacher_epochs": 8,
    "teacher_learning_rate": 3e-3,
    "student_epochs": 10,
    "student_learning_rate": 3e-3,
    "quantization_epochs": 2,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A BERT of twelve blocks, a DistilBERT, and data."""
    folder = tmp_path_factory.mktemp("teachers")
    write_teacher(folder / "bert-12", layers=12)
    write_teacher(folder / "bert")
    write_distilbert(folder / "distilbert", folder / "bert")
    write_data(folder / "train.tsv", 240, 1)
    write_data(folder / "eval.tsv", 40, 2)
    (folder / "recipe.json").write_text(json.dumps(RECIPE))
    return folder


def test_the_slice_spans_twelve_blocks(folder):
    teacher = load_teacher(str(folder / "bert-12"), 2, seed=0)
    backbone = teacher.backbone
    config = choose_config(
        100_000,
        77,
        80,
        80,
        backbone.hidden_dim,
        backbone.num_heads,
        backbone.intermediate_dim,
        0.5,
        max_tokens=11,
        layers=3,
        outputs=2,
        norm="layer",
        pair=False,
    )
    sample = teacher.tokenizer.encode(["a good day", "the sad film"] * 9, None, 11)
    cut = measure_slice(teacher, sample, config, seed=0)
    assert cut.blocks == [0, 6, 11]
    assert np.isfinite(cut.basis).all()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "layers"), [("bert-12", 12), ("distilbert", 3)])
def test_it_is_compressed(folder, name, layers):
    teacher = str(folder / name)
    found = ei_bert_tf.compress(
        output_dir=folder / "out" / name,
        train=folder / "train.tsv",
        evaluate=folder / "eval.tsv",
        text="text",
        label="label",
        teacher=teacher,
        preset="quick",
        recipe=folder / "recipe.json",
        max_seq_length=13,
    )
    assert found.manifest["teacher_name"] == teacher
    values = {stage["name"]: stage["value"] for stage in found.manifest["stages"]}
    assert values["teacher"] >= 0.9
    assert values["student_int8"] >= values["teacher"] - 0.1
    assert len(load_teacher(teacher, 2, 0).backbone.transformer_layers) == layers
