"""A bundle of a tiny model, whose manifest has what exporting and predicting read."""

import json
import pathlib

from ei_bert_tf.bundle import FORMAT_VERSION, MODEL_FILES, Bundle, file_list
from ei_bert_tf.conversion.conformance import operators
from ei_bert_tf.evaluation.arena import smallest_arena_bytes
from ei_bert_tf.firmware import firmware_contents
from ei_bert_tf.task import CLASSIFICATION, REGRESSION, Task
from ei_bert_tf.text.wordpiece import SPECIAL_PIECES, WordPiece
from firmware_export.phone import write_phone
from tests.tiny_models import TOKENS, VOCABULARY_SIZE, tiny_tflite


def tiny_bundle(
    folder: pathlib.Path, outputs: int = 2, pair: bool = False, teacher: str = "none"
) -> Bundle:
    """Writes it; one output makes a regression."""
    model = tiny_tflite(outputs=outputs, pair=pair)
    pieces = [*SPECIAL_PIECES, "turn", "the", "light", "off", "##s"]
    pieces += [f"more{number}" for number in range(VOCABULARY_SIZE - len(pieces))]
    labels = [f"label {number}" for number in range(outputs)] if outputs > 1 else []
    contents = [
        model,
        *("".join(f"{x}\n" for x in y).encode() for y in (pieces, labels)),
    ]
    folder.mkdir(parents=True)
    for name, content in zip(MODEL_FILES, contents, strict=True):
        (folder / name).write_bytes(content)
    task = Task(
        task_type=CLASSIFICATION if labels else REGRESSION,
        text_columns=("text", "pair") if pair else ("text",),
        label_column="label",
        metric="accuracy" if labels else "pearson",
        labels=tuple(labels),
    )
    manifest = {
        "format_version": FORMAT_VERSION,
        "task": task.to_json(),
        "teacher_name": teacher,
        "calibration": {"temperature": 1.0, "unknown_threshold": 0.0},
        "ops": operators(model),
        "max_seq_length": TOKENS,
        "runtimes": {"tflm": {"arena_bytes": smallest_arena_bytes(model)}},
    }
    tokenizer = WordPiece.load(folder / "vocab.txt")
    bundle = Bundle(folder, manifest, tokenizer, model)
    write_phone(firmware_contents(bundle), folder / "phone")
    manifest["files"] = file_list(folder)
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return Bundle.load(folder)
