"""The bundle that ships: whole, small, and enough to predict and to export."""

import pytest

from benchmarks.ship_demo import SHIPPED
from ei_bert_tf.bundle import Bundle, file_list
from ei_bert_tf.errors import InputError
from tests.programs import run_program

TEXTS = {
    "shares fell after the bank cut its forecast": "business",
    "the striker scored twice in the final": "sports",
    "the film won three awards at the festival": "entertainment",
    "ministers lost the vote on the bill": "politics",
    "a new phone with a faster chip": "tech",
}


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(SHIPPED)


def test_the_files_are_those_of_the_manifest(bundle):
    assert file_list(SHIPPED) == bundle.manifest["files"]
    assert bundle.manifest["model_bytes"] == len(bundle.model)
    assert bundle.manifest["vocabulary_size"] == len(bundle.tokenizer.pieces)


def test_it_is_small():
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 1_200_000


@pytest.mark.parametrize("runtime", ["litert", "litert_reference", "tflm"])
def test_it_predicts(bundle, runtime):
    found = bundle.predict(list(TEXTS), runtime=runtime)
    assert [prediction.label for prediction in found] == list(TEXTS.values())


def test_what_did_not_ship_is_said(bundle):
    with pytest.raises(InputError, match="the float weights are part of checkpoints/"):
        bundle.predict(["a text"], runtime="keras")


def test_it_can_be_exported(tmp_path):
    package = tmp_path / "package"
    done = run_program(
        "export_firmware",
        *(f"--bundle={SHIPPED}", "--target=cmake", f"--output_dir={package}"),
    )
    assert done.returncode == 0, done.stderr.decode()
    assert (package / "src" / "model_data.cc").is_file()
