"""What a firmware takes of a Cortex-M's flash, stack and RAM, part by part.

A model changes no more of the code than a few constants: `flash.json` has its bytes, by
the cross compiler's own `size`, beside the digests of the sources that they are of
(`benchmarks/flash_sizes.py` writes it). The data is the model's own, and its bytes
follow from the arrays.
"""

import json
import pathlib

from firmware_export.contents import Contents
from firmware_export.golden import golden_bytes
from firmware_export.task import names_bytes
from firmware_export.vocabulary import Vocabulary

RECORD = pathlib.Path(__file__).with_name("flash.json")
# Instructions that load a model's constants: so much the code of a part may differ.
CODE_SLACK_BYTES = 16
# sizeof(ei_bert_vocabulary), (ei_bert_operator), (ei_bert_task); pointers of 4 bytes.
_VOCABULARY, _OPERATOR, _TASK = 32, 12, 44
_ID_BYTES = 2


def flash_sizes(contents: Contents) -> dict[str, dict[str, int]]:
    """Bytes by core and part.

    Parts of the flash: `model`, `vocabulary`, `unicode_tables`, `tokenizer`, `blob`
    (choosing a slot, CRC-32), `self_test`, `names` (labels and status texts), `task`
    (labels, operators, calibration, golden vectors), `classifier` (the C++ around TFLM,
    with the resolver of a student). `tokenizer_stack` is the sum of the tokenizer's
    frames, `classifier_ram` what the classifier keeps beside the arena; the other parts
    have no static RAM. TFLM itself is not among them: it depends on its build.
    """
    data = {
        "model": len(contents.model),
        "vocabulary": vocabulary_bytes(contents),
        "task": _task_bytes(contents),
    }
    cores = json.loads(RECORD.read_text("utf-8"))["cores"]
    return {
        core: data
        | {"unicode_tables": measured["unicode_tables"][contents.unicode]}
        | measured["code"]
        for core, measured in cores.items()
    }


def flash_bytes(contents: Contents) -> int:
    """Model, vocabulary and Unicode tables: what a device keeps for the data alone."""
    sizes = next(iter(flash_sizes(contents).values()))
    return sum(sizes[part] for part in ("model", "vocabulary", "unicode_tables"))


def firmware_bytes(contents: Contents) -> int:
    """All flash but TFLM's: the data and our code, of the core where it is largest."""
    ram = ("tokenizer_stack", "classifier_ram")
    return max(
        sum(size for part, size in sizes.items() if part not in ram)
        for sizes in flash_sizes(contents).values()
    )


def vocabulary_bytes(contents: Contents) -> int:
    """Of vocabulary_data.c."""
    sections = Vocabulary(contents.pieces).sections()
    # An array of C is never empty.
    ids = max(len(sections[-1]), _ID_BYTES)
    return sum(map(len, sections[:-1])) + ids + _VOCABULARY


def _task_bytes(contents: Contents) -> int:
    """Of task_data.c."""
    names, golden = names_bytes(contents.labels), golden_bytes(contents.golden)
    operators = _OPERATOR * len(contents.operators)
    return operators + max(len(names), 1) + max(len(golden), 1) + _TASK
