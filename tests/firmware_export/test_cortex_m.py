"""The sources on an emulated Cortex-M."""

import shutil

import pytest

from benchmarks._cortex_m import BOARDS, Tflm, run
from ei_bert_tf.text.builtin import builtin_model_folder
from ei_bert_tf.text.wordpiece import WordPiece
from firmware_export.contents import GoldenVector
from firmware_export.golden import golden_texts
from firmware_export.package import write_firmware
from tests.given_tflm import given_defines, given_include, given_libraries
from tests.real_contents import real_contents
from tests.tiny_contents import tiny_contents

MAX_TOKENS = 64


def need_compiler() -> None:
    for program in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


@pytest.mark.slow
@pytest.mark.parametrize("board", BOARDS)
def test_tokenizer_blob_and_golden_ids(tmp_path, board):
    need_compiler()
    reference = WordPiece.load(builtin_model_folder("minilm-l6") / "vocab.txt")
    texts = golden_texts(MAX_TOKENS, reference.pieces)
    decoded = [text.decode("utf-8", "replace") for text in texts]
    encoded = reference.encode(decoded, None, MAX_TOKENS)
    golden = [
        GoldenVector(text, None, encoded.ids[row][: encoded.lengths[row]], (1, 0), 0)
        for row, text in enumerate(texts)
    ]
    contents = tiny_contents(
        pieces=reference.pieces, max_tokens=MAX_TOKENS, golden=golden
    )
    write_firmware(contents, tmp_path / "firmware", "text")
    found = dict(run(tmp_path / "firmware", tmp_path, BOARDS[board]))
    assert found["failures"] == "0"
    assert found["tokenizer_vectors"] == str(len(texts))
    assert found["blob_headers_refused"] == "2048"


@pytest.mark.slow
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize(("outputs", "pair"), [(3, False), (2, True), (1, False)])
def test_the_whole_classifier(tmp_path, board, outputs, pair):
    tflm = Tflm(given_include(), given_libraries(board), False, given_defines())
    need_compiler()
    contents = real_contents(outputs, pair)
    write_firmware(contents, tmp_path / "firmware", "text")
    found = dict(run(tmp_path / "firmware", tmp_path, BOARDS[board], tflm))
    assert found["failures"] == "0"
    assert found["self_test"] == found["self_test_blob"] == "0"
    assert 0 < int(found["arena_used_bytes"]) <= contents.arena_bytes
