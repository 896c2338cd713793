"""Compares phone runtimes with LiteRT on a bundle, and writes where they differ.

usage: python -m benchmarks.phone_agreement --bundle=build/demo
Writes benchmarks/phone/NAME.json, NAME being that of the bundle's folder. MediaPipe
reads 1,000 ASCII texts as they are and 1,000 of any kind after the normalization of
examples/phone; tflite-runtime reads the latter with the bundle's own program. The
environments of both are made in build/environments.
"""

import json
import pathlib
import tempfile
from typing import Any

import numpy as np
from absl import app, flags

import ei_bert_tf
from ei_bert_tf.composition import environment
from ei_bert_tf.evaluation.calibration import probabilities
from ei_bert_tf.evaluation.phone_program import run_phone_program
from ei_bert_tf.evaluation.runtimes import RUNTIMES, open_runtime
from ei_bert_tf.firmware import firmware_contents
from ei_bert_tf.text.wordpiece import SPECIAL_PIECES, WordPiece
from firmware_export.phone import write_phone
from tests.phone_environments import (
    any_texts,
    ascii_texts,
    ask_mediapipe,
    mediapipe_python,
    scores,
    tflite_runtime_python,
)
from tests.phone_probe import probe_model
from tests.phone_program import load_program

_BUNDLE = flags.DEFINE_string("bundle", "build/demo", "A bundle of single texts.")
# Three tokens a word at most, so that a text of the probe is never cut.
_PROBE_WORDS, _PROBE_TOKENS, _PROBE_TEXTS = 150, 512, 250
_RESULTS = pathlib.Path(__file__).parent / "phone"


class _Yardstick:
    """What LiteRT's engines make of texts: logits and labels."""

    def __init__(self, bundle: ei_bert_tf.Bundle, texts: list[str]):
        tokens = bundle.manifest["max_seq_length"]
        self.texts = texts
        self.encoded = bundle.tokenizer.encode(texts, None, tokens)
        self.logits: dict[str, np.ndarray] = {}
        for name in RUNTIMES:
            engine = open_runtime(name, bundle.model)
            self.logits[name] = engine.dequantize(engine.logits(self.encoded))
        self.scale = engine.scale

    def differences(self, classes: np.ndarray, name: str = "litert") -> dict[str, Any]:
        """Where an engine's classes are not LiteRT's, with the lead of the best."""
        ordered = np.sort(self.logits[name], axis=1)
        leads = (ordered[:, -1] - ordered[:, -2]) / self.scale
        rows = np.flatnonzero(classes != self.logits[name].argmax(axis=1))
        return {
            "texts": len(self.texts),
            "other_labels": [
                {"text": self.texts[row], "lead_steps": round(float(leads[row]), 1)}
                for row in rows
            ],
        }


def _mediapipe(
    bundle: ei_bert_tf.Bundle, model: pathlib.Path, given: list[str], found: _Yardstick
) -> dict[str, Any]:
    results = ask_mediapipe(mediapipe_python(), model, given)
    temperature = bundle.manifest["calibration"]["temperature"]
    wanted = probabilities(found.logits["litert"], temperature)
    gaps = np.abs(scores(results, wanted.shape[1]) - wanted).max(axis=1)
    first = np.array([result[0][0] for result in results])
    return found.differences(first) | {
        # Of equal ids the probability differs by its rounding to a multiple of 1/256,
        # the largest of which is 255/256.
        "other_probabilities": int((gaps > 1 / 256).sum()),
    }


def _tflite_runtime(folder: pathlib.Path, found: _Yardstick) -> dict[str, Any]:
    answers = run_phone_program(folder, tflite_runtime_python(), found.texts, None)
    logits = np.array([answer["logits"] for answer in answers], np.float32)
    steps = np.abs(logits - found.logits["litert"]).max() / found.scale
    lengths = found.encoded.lengths
    return found.differences(logits.argmax(axis=1)) | {
        "other_ids": sum(
            answer["ids"] != ids[:length].tolist()
            for answer, ids, length in zip(
                answers, found.encoded.ids, lengths, strict=True
            )
        ),
        "largest_difference_steps": round(float(steps)),
    }


def _splits(tokenizer) -> list[list[int]]:
    """Ranges of code points at which MediaPipe splits a word, but not the training."""
    reference = WordPiece([*SPECIAL_PIECES, "a", "b", "##b"])
    with tempfile.TemporaryDirectory() as temporary:
        probe = pathlib.Path(temporary) / "probe.tflite"
        probe.write_bytes(probe_model(reference.pieces, _PROBE_TOKENS))

        def read_otherwise(texts: list[str]) -> list[int]:
            found = []
            # A result has a score for each of 1,536 inputs: not all texts at once.
            for start in range(0, len(texts), _PROBE_TEXTS):
                some = texts[start : start + _PROBE_TEXTS]
                given = [" ".join(tokenizer.words(text)) for text in some]
                results = ask_mediapipe(mediapipe_python(), probe, given)
                ids = scores(results, 3 * _PROBE_TOKENS)[:, :_PROBE_TOKENS]
                wanted = reference.encode(some, None, _PROBE_TOKENS).ids
                rows = np.flatnonzero((ids != wanted).any(axis=1))
                found += (start + rows).tolist()
            return found

        codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
        words = [f"a{chr(code)}b" for code in codes]
        starts = range(0, len(words), _PROBE_WORDS)
        texts = [" ".join(words[start : start + _PROBE_WORDS]) for start in starts]
        suspects = [
            place
            for number in read_otherwise(texts)
            for place in range(len(words))[starts[number] :][:_PROBE_WORDS]
        ]
        found = read_otherwise([words[place] for place in suspects])
    ranges: list[list[int]] = []
    for code in (codes[suspects[number]] for number in found):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return ranges


def main(_: list[str]) -> None:
    """Measures and writes the record."""
    bundle = ei_bert_tf.Bundle.load(_BUNDLE.value)
    plain, any_kind = (_Yardstick(bundle, make()) for make in (ascii_texts, any_texts))
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        write_phone(firmware_contents(bundle), folder / "phone")
        model = folder / "phone" / "model.tflite"
        tokenizer = load_program(folder / "phone").Classifier().tokenizer
        normal = [" ".join(tokenizer.words(text)) for text in any_kind.texts]
        reference = any_kind.logits["litert_reference"].argmax(axis=1)
        record = {
            "command": f"python -m benchmarks.phone_agreement --bundle={_BUNDLE.value}",
            "model_bytes": bundle.manifest["model_bytes"],
            "mediapipe_ascii": _mediapipe(bundle, model, plain.texts, plain),
            "mediapipe_any": _mediapipe(bundle, model, normal, any_kind),
            "tflite_runtime_any": _tflite_runtime(folder, any_kind),
            "mediapipe_splits": _splits(tokenizer),
            # The yardstick against itself with other kernels.
            "litert_reference_any": any_kind.differences(reference),
            "environment": environment(),
        }
    _RESULTS.mkdir(exist_ok=True)
    path = _RESULTS / f"{pathlib.Path(_BUNDLE.value).resolve().name}.json"
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    unfinished.replace(path)
    for name, part in record.items():
        if isinstance(part, dict) and "other_labels" in part:
            counts = {k: len(v) if isinstance(v, list) else v for k, v in part.items()}
            print(name, counts)
    split = sum(last - first + 1 for first, last in record["mediapipe_splits"])
    print(f"MediaPipe splits words at {split} more code points")


if __name__ == "__main__":
    app.run(main)
