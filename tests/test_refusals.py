"""What compress refuses before it trains: in one line, with nothing left behind."""

import pytest

import ei_bert_tf
from ei_bert_tf.errors import InputError
from tests.make_tiny_teacher import job_choices, write_task

NAMED = {
    "dataset": "builtin:bbc_news",
    **dict.fromkeys(("train", "evaluate", "text", "label")),
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Folder with a tiny teacher and its data."""
    folder = tmp_path_factory.mktemp("refused")
    write_task(folder)
    (folder / "recipe.json").write_text("{}")
    return folder


def compress(folder, output, **changes):
    return ei_bert_tf.compress(
        output_dir=folder / output, **job_choices(folder) | changes
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_model_bytes": 1000}, "--max_model_bytes=1000.*smallest"),
        ({"max_seq_length": 2}, "--max_seq_length=2"),
        ({"max_seq_length": 64}, "--max_seq_length=64.*at most 32"),
        ({"max_arena_bytes": -1}, "--max_arena_bytes=-1"),
        ({"seed": -1}, "--seed=-1: at least 0"),
        ({"seed": 2**63}, f"--seed={2**63}: at most {2**63 - 1}"),
        ({"max_arena_bytes": 1024}, "--max_arena_bytes=1024.*needs"),
        ({"max_flash_bytes": -1}, "--max_flash_bytes=-1"),
        ({"max_flash_bytes": 30_000}, "--max_flash_bytes=30000.*the smallest"),
        ({"max_macs": 10}, "--max_macs=10: no student is so small"),
        ({"method": "magic"}, "--method=magic.*kd"),
        ({"student_start": "magic"}, "--student_start=magic.*slice"),
        ({"preset": "magic"}, "--preset=magic.*quick"),
        ({"teacher": "builtin:magic"}, "--teacher=builtin:magic.*minilm-l6"),
        ({"dataset": "builtin:bbc_news"}, "--dataset=builtin:bbc_news and"),
        (
            {
                "dataset": "builtin:bbc_news",
                "train": None,
                "evaluate": None,
                "unlabeled_file": "more.tsv",
            },
            "--dataset=builtin:bbc_news and --unlabeled_file",
        ),
        (
            {"dataset": "builtin:bbc_news", "train": None, "evaluate": None},
            "--text_columns=text: not with --dataset=builtin:bbc_news",
        ),
        (
            NAMED | {"task_type": "regression"},
            "--task_type=regression: not with --dataset=builtin:bbc_news",
        ),
        (
            NAMED | {"header": False},
            "--dataset=builtin:bbc_news and --noheader: one of them only",
        ),
        ({"dataset": "magic", "train": None, "evaluate": None}, "accepted: builtin"),
        ({"train": None}, "--train_file is missing"),
    ],
)
def test_refusals(tiny, changes, message):
    with pytest.raises(InputError, match=message):
        compress(tiny, "refused", **changes)
    assert not (tiny / "refused").exists()


@pytest.mark.parametrize("name", ["firmware", "phone"])
def test_a_folder_of_something_else_is_refused_before_training(tiny, name):
    foreign = tiny / f"foreign_{name}" / name
    foreign.mkdir(parents=True)
    (foreign / "mine.txt").write_text("kept")
    with pytest.raises(InputError, match=f"--output_dir: .*{name}: exists and is no"):
        compress(tiny, foreign.parent.name)
    assert [path.name for path in foreign.parent.rglob("*")] == [name, "mine.txt"]
