"""The normalizers for MediaPipe on the vectors of the tokenizer in C.

Their words are those that the training's tokenizer splits into pieces. Swift's is
tested where there is a `swiftc` (Debian 13 has it in `swiftlang`).
"""

import json
import random
import shutil
import subprocess

import pytest

from ei_bert_tf.text.wordpiece import SPECIAL_PIECES, WordPiece
from firmware_export.golden import golden_texts
from firmware_export.unicode_listing import LISTING
from tests.programs import ROOT
from tests.tokenizer_texts import random_mark_texts, random_text

DRIVERS = ROOT / "tests" / "phone"
PHONE = ROOT / "examples" / "phone"
JSON_JAR = "/usr/share/java/com.android.json.jar"


LANGUAGES = ["javascript", "kotlin"] + (["swift"] if shutil.which("swiftc") else [])


@pytest.fixture(scope="module", params=LANGUAGES)
def command(request, tmp_path_factory):
    """The program that normalizes a JSON list of texts with one of them."""
    if request.param == "javascript":
        return ["node", str(DRIVERS / "normalize.mjs")]
    if request.param == "swift":
        program = tmp_path_factory.mktemp("swift") / "normalize"
        sources = [PHONE / "ios" / "TextNormalizer.swift", DRIVERS / "main.swift"]
        subprocess.run(
            [
                *["swiftc", "-O", "-warnings-as-errors", "-o", str(program)],
                *map(str, sources),
            ],
            check=True,
        )
        return [str(program)]
    jar = tmp_path_factory.mktemp("kotlin") / "normalize.jar"
    sources = PHONE / "android" / "TextNormalizer.kt"
    subprocess.run(
        [
            *["kotlinc", "-Werror", "-cp", JSON_JAR, "-d", str(jar)],
            *[str(sources), str(DRIVERS / "Normalize.kt")],
        ],
        check=True,
    )
    path = f"{jar}:{JSON_JAR}:/usr/share/java/kotlin-stdlib.jar"
    return ["java", "-cp", path, "NormalizeKt"]


@pytest.fixture(scope="module")
def inner():
    return WordPiece(SPECIAL_PIECES)._tokenizer


def difference(command, inner, texts):
    """The first text of which the program makes other words than the reference."""
    done = subprocess.run(
        [*command, str(LISTING)],
        input=json.dumps(texts).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    for text, found in zip(texts, json.loads(done.stdout), strict=True):
        normal = inner.normalizer.normalize_str(text)
        words = [word for word, _ in inner.pre_tokenizer.pre_tokenize_str(normal)]
        if found != " ".join(words):
            return text, found, words
    return None


@pytest.mark.slow
def test_every_code_point(command, inner):
    codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    assert difference(command, inner, [f"a{chr(code)}b" for code in codes]) is None


@pytest.mark.slow
def test_the_vectors_of_the_tokenizer_in_c(command, inner):
    generator = random.Random(5)
    given = [random_text(generator) for _ in range(4000)] + golden_texts(16, ())
    texts = [text.decode("utf-8", "replace") for text in given] + random_mark_texts()
    assert difference(command, inner, texts) is None


@pytest.mark.slow
@pytest.mark.parametrize("command", LANGUAGES[:2], indirect=True)
def test_half_a_surrogate_pair_is_dropped(command):
    """Swift's strings can't hold one."""
    done = subprocess.run(
        [*command, str(LISTING)],
        input=b'["a\\ud83d", "\\ude00b c", "\\ud83d\\ude00"]',
        stdout=subprocess.PIPE,
        check=True,
    )
    assert json.loads(done.stdout) == ["a", "b c", "\U0001f600"]
