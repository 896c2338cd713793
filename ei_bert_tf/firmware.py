"""What a bundle gives to the firmware: the golden vectors are made here."""

import dataclasses
import os
import pathlib
from collections.abc import Collection

from ei_bert_tf.bundle import Bundle
from ei_bert_tf.errors import InputError, writing
from ei_bert_tf.evaluation.calibration import probabilities
from ei_bert_tf.evaluation.runtimes import open_runtime
from ei_bert_tf.text.wordpiece import Encoded
from firmware_export.arrays import FORMS
from firmware_export.blob import LARGEST_SEQUENCE
from firmware_export.contents import Contents, GoldenVector
from firmware_export.golden import golden_texts
from firmware_export.target import TARGETS, target_files, write_target
from firmware_export.unicode_tables import SETS

# The oracle: TFLM on a device gives the same integers as on the host.
_ORACLE = "tflm"
# A letter in whose place stands what smaller Unicode tables do not know.
_FOREIGN = "\U00012000"
# Probabilities so near to the threshold may fall on either side of it in float32.
_UNDECIDED = 1e-5


def firmware_contents(bundle: Bundle, unicode: str = "full") -> Contents:
    """All that a firmware is made of: the file with 4-bit weights where there is one.

    Args:
        bundle: with its manifest; the folder need not be sealed.
        unicode: which code points the tokenizer's tables know.

    Raises:
        ValueError: an unknown set of tables.
    """
    contents = bundle_contents(bundle, unicode)
    if bundle.lookup_table_model is not None:
        measured = bundle.manifest["lookup_table"]
        contents = dataclasses.replace(
            contents,
            model=bundle.lookup_table_model,
            operators=measured["ops"],
            temperature=measured["calibration"]["temperature"],
            unknown_threshold=measured["calibration"]["unknown_threshold"],
            arena_bytes=measured["arena_bytes"],
        )
    return dataclasses.replace(contents, golden=_golden(bundle, contents))


def bundle_contents(bundle: Bundle, unicode: str = "full") -> Contents:
    """What goes with `model.tflite`, without golden vectors: those take runs of it."""
    manifest = bundle.manifest
    calibration = manifest["calibration"]
    return Contents(
        model=bundle.model,
        operators=manifest["ops"],
        pieces=bundle.tokenizer.pieces,
        labels=bundle.task.labels,
        max_tokens=manifest["max_seq_length"],
        pair=bundle.task.is_pair,
        temperature=calibration["temperature"],
        unknown_threshold=calibration["unknown_threshold"],
        arena_bytes=manifest["runtimes"][_ORACLE]["arena_bytes"],
        golden=(),
        unicode=unicode,
        unknown_label=bundle.task.unknown_label,
    )


def _golden(bundle: Bundle, contents: Contents) -> tuple[GoldenVector, ...]:
    """Texts for all that goes wrong, in a task of pairs each with the one before it."""
    texts = golden_texts(contents.max_tokens, contents.pieces)
    pairs = [texts[-1], *texts[:-1]] if contents.pair else None
    encoded = _encoded(bundle, contents, texts, pairs)
    engine = open_runtime(_ORACLE, contents.model)
    logits = engine.logits(encoded)
    values = engine.dequantize(logits)
    rows = probabilities(values, contents.temperature)
    vectors = []
    for row, text in enumerate(texts):
        label, unknown = None, False
        if not contents.is_regression:
            label = int(logits[row].argmax())
            surplus = rows[row].max() - contents.unknown_threshold
            if abs(surplus) < _UNDECIDED:
                continue
            unknown = bool(surplus < 0)
        vectors.append(
            GoldenVector(
                text,
                None if pairs is None else pairs[row],
                encoded.ids[row][: encoded.lengths[row]].tolist(),
                logits[row].tolist(),
                label,
                unknown,
            )
        )
    return tuple(vectors)


def _encoded(
    bundle: Bundle, contents: Contents, texts: list[bytes], pairs: list[bytes] | None
) -> Encoded:
    """The texts as the tokenizer in C reads them with its tables."""
    known = SETS[contents.unicode]

    def read(text: bytes) -> str:
        return "".join(
            character if any(ord(character) in span for span in known) else _FOREIGN
            for character in text.decode("utf-8", "replace")
        )

    return bundle.tokenizer.encode(
        [read(text) for text in texts],
        None if pairs is None else [read(pair) for pair in pairs],
        contents.max_tokens,
    )


def export_firmware(
    bundle: Bundle,
    target: str,
    output_dir: str | os.PathLike,
    unicode: str = "full",
    model_form: str = FORMS[0],
    sequence: int = 1,
) -> None:
    """Writes a package of the bundle's firmware for a build system.

    Args:
        bundle: what to export.
        target: one of firmware_export.target.TARGETS.
        output_dir: the folder to write; an older export there is replaced as a whole.
        unicode: which code points the tokenizer's tables know, one of SETS.
        model_form: how the model comes, one of FORMS.
        sequence: number of the blob: of two in a device the larger one runs.

    Raises:
        InputError: something of it is not accepted; nothing is written then.
    """
    _refuse("unicode", unicode, SETS)
    _refuse("target", target, TARGETS)
    forms = TARGETS[target].forms
    if model_form in FORMS and model_form not in forms:
        raise InputError(
            f"--model_form={model_form}: --target={target} builds sources only; "
            f"accepted: {', '.join(forms)}"
        )
    _refuse("model_form", model_form, FORMS)
    if not 0 <= sequence <= LARGEST_SEQUENCE:
        raise InputError(f"--sequence={sequence}: 0 to {LARGEST_SEQUENCE} is accepted")
    try:
        contents = firmware_contents(bundle, unicode)
        files = target_files(contents, target, model_form, sequence)
    except ValueError as error:
        raise InputError(f"--bundle={bundle.folder}: {error}") from error
    try:
        with writing(output_dir):
            write_target(files, pathlib.Path(output_dir))
    except ValueError as error:
        raise InputError(f"--output_dir={error}") from error


def _refuse(flag: str, value: str, accepted: Collection[str]) -> None:
    if value not in accepted:
        raise InputError(f"--{flag}={value}: accepted: {', '.join(accepted)}")
