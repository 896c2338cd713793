"""What is settled before training: how many copies there are, and of which words."""

import json

import numpy as np
import pytest

from ei_bert_tf.curriculum import Curriculum
from ei_bert_tf.errors import InputError
from ei_bert_tf.evaluation.arena import smallest_arena_bytes
from ei_bert_tf.job import Job
from ei_bert_tf.preparation import Preparation
from tests.make_tiny_teacher import WORDS, job_choices, write_data, write_teacher

ROWS = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    write_teacher(folder / "teacher")
    write_data(folder / "train.tsv", ROWS, 1)
    write_data(folder / "eval.tsv", 20, 2)
    return folder


def prepared(folder, recipe, **changes):
    (folder / "recipe.json").write_text(json.dumps(recipe))
    return Preparation(Job(**job_choices(folder) | changes))


@pytest.mark.parametrize(
    ("copies", "least", "method", "expected"),
    [
        (0, 1000, "kd", 0),
        (2, 0, "kd", 2),
        (2, 1000, "none", 0),
        # 54 texts beside those that are held out.
        (2, 100, "kd", 2),
        (2, 109, "kd", 3),
        (2, 540, "kd", 10),
    ],
)
def test_copies_are_more_where_texts_are_few(folder, copies, least, method, expected):
    recipe = {"augmented_copies": copies, "augmented_least_texts": least}
    found = prepared(folder, recipe, method=method)
    assert len(found.train) == 54
    assert found.copies == expected
    assert bool(found.neighbours) == bool(expected)


def test_copies_without_other_words_have_no_stand_ins(folder):
    found = prepared(folder, {"augmented_copies": 2, "augmented_words": 0})
    assert found.copies == 2
    assert found.neighbours == {}


def test_a_pair_needs_room_for_a_piece_of_each(folder):
    rows = ["first\tsecond\tlabel", *["a day\ta film\tgood", "it\ta\tbad"] * 30]
    (folder / "pairs.tsv").write_text("\n".join(rows) + "\n")
    files = {"train": folder / "pairs.tsv", "evaluate": folder / "pairs.tsv"}
    changes = files | {"text": ("first", "second")}
    with pytest.raises(InputError, match=r"--max_seq_length=4: at least 5 .* pairs"):
        prepared(folder, {}, **changes, max_seq_length=4)
    assert prepared(folder, {}, **changes, max_seq_length=5).tokens == 5


def test_the_recipe_s_shape_reaches_the_student(folder):
    shape = {"layers": 2, "distinct_blocks": 1, "embedding_form": "product"}
    found = prepared(folder, shape)
    assert found.solution is None
    assert found.config.kernel_sets == [0, 0]
    assert found.config.embedding_form == "product"


@pytest.mark.slow
def test_a_shape_is_searched_for_where_the_usual_arena_is_too_large(folder):
    usual = prepared(folder, {})
    (needed,) = map(smallest_arena_bytes, usual.untrained_models())
    assert prepared(folder, {}, max_arena_bytes=needed).config == usual.config
    found = prepared(folder, {}, max_arena_bytes=needed - 1)
    assert found.config == found.solution.chosen.config != usual.config
    assert all(
        smallest_arena_bytes(model) < needed for model in found.untrained_models()
    )


def test_words_that_the_texts_lack_may_stay_as_stand_ins(folder):
    rows = ["text\tlabel"] + ["a good day\tgood", "a bad day\tbad"] * 30
    (folder / "few.tsv").write_text("\n".join(rows) + "\n")
    changes = {"train": folder / "few.tsv", "max_model_bytes": 60_000}
    alone = prepared(folder, {"augmented_copies": 0}, **changes)
    found = prepared(folder, {"augmented_copies": 1}, **changes)
    assert set(found.neighbours) == {"good", "bad", "day"}
    stand_ins = {word for near in found.neighbours.values() for word in near}
    assert stand_ins & {*WORDS["good"], *WORDS["bad"]} - {"good", "bad"}
    pieces = found.teacher.tokenizer.pieces
    used = {pieces[index] for index in np.unique(found.corpus.ids)}
    more = found.config.vocabulary_size - alone.config.vocabulary_size
    assert more == len(stand_ins - used)
    curriculum = Curriculum(found)
    counts = np.bincount(
        found.corpus.ids[found.corpus.mask == 1], minlength=len(pieces)
    )
    curriculum.keep(counts.astype(float), counts)
    assert stand_ins <= {pieces[index] for index in curriculum.kept}
    weights = dict(zip(curriculum.kept, curriculum.piece_weights, strict=True))
    assert all(weights[pieces.index(word)] > 0 for word in stand_ins)
