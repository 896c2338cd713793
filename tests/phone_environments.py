"""The environments that the phone folder is for, and 1,000 texts to try in them.

Both are apart from the project's: MediaPipe pins an absl that the project can't have,
tflite-runtime needs numpy 1. B texts, C classes.
"""

import json
import pathlib
import random
import re
import subprocess
import sys
from collections.abc import Sequence

import numpy as np

from ei_bert_tf.text.builtin import BUILTIN_DATASETS, builtin_rows
from tests.environments import environment
from tests.tokenizer_texts import random_text

TEXTS = 1000
_REAL = TEXTS * 7 // 10
_CLASSIFY = pathlib.Path(__file__).with_name("phone") / "mediapipe_classify.py"
# Those that tflite-runtime has wheels for, the oldest first.
_PYTHONS = [f"python3.{minor}" for minor in (9, 10, 11)]
if sys.version_info < (3, 12):
    _PYTHONS.append(sys.executable)


def mediapipe_python() -> pathlib.Path:
    """The interpreter of an environment with MediaPipe."""
    return environment("mediapipe", ["mediapipe==1.2.3"])


def tflite_runtime_python(numpy: str = "numpy<2") -> pathlib.Path:
    """The interpreter of an environment with tflite-runtime."""
    return environment("tflite-runtime", ["tflite-runtime==2.14.0", numpy], _PYTHONS)


def _real_texts(generator: random.Random, count: int) -> list[str]:
    """Texts of the built-in data sets, half of each."""
    return [
        row.text
        for name in BUILTIN_DATASETS
        for row in generator.sample(builtin_rows(name), count // 2)
    ]


def ascii_texts() -> list[str]:
    """Real texts without what is not ASCII, and random ones of what can be printed."""
    generator = random.Random(0)
    texts = [re.sub("[^ -~]", "", text) for text in _real_texts(generator, _REAL)]
    while len(texts) < TEXTS:
        length = generator.choice([0, 1, 5, 20, 60, 150])
        texts.append("".join(chr(generator.randrange(32, 127)) for _ in range(length)))
    return texts


def any_texts() -> list[str]:
    """Real texts, and random ones of any characters or bytes."""
    generator = random.Random(1)
    texts = _real_texts(generator, _REAL)
    while len(texts) < TEXTS:
        texts.append(random_text(generator).decode("utf-8", "replace"))
    return texts


def ask_mediapipe(
    python: pathlib.Path, model: pathlib.Path, texts: Sequence[str]
) -> list[list]:
    """What phone/mediapipe_classify.py prints."""
    done = subprocess.run(
        [python, _CLASSIFY, model],
        input=json.dumps(texts),
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    return json.loads(done.stdout)


def scores(results: Sequence[Sequence], classes: int) -> np.ndarray:
    """float64 [B, C] of MediaPipe's results by class."""
    found = np.zeros((len(results), classes))
    for row, result in enumerate(results):
        for index, score, _ in result:
            found[row, index] = score
    return found
