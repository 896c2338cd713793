"""The metadata that phone runtimes read in a .tflite: how text becomes ids, what the
classes are called.

The format is TensorFlow Lite's model metadata, schema 1.5 (`metadata_schema.fbs`,
identifier M001). It is written field by field, because the only packages with a module
for it bring a whole runtime along. Tables are numbered as the schema orders them; a
union takes two fields, its type and its value.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import flatbuffers

IDENTIFIER = b"M001"
# The first version with input_process_units.
_PARSER_VERSION = "1.1.0"
VOCABULARY_FILE = "vocab.txt"
LABELS_FILE = "labels.txt"

# AssociatedFileType, ContentProperties and ProcessUnitOptions of the schema.
_TENSOR_AXIS_LABELS = 2
_VOCABULARY = 5
_FEATURE_PROPERTIES = 1
_SCORE_THRESHOLDING = 3
_BERT_TOKENIZER = 4

# The inputs in the order of the graph, by which metadata and tensors belong together.
INPUTS = {
    "ids": "Ids of the tokens, 0 for padding.",
    "mask": "1 for a token, 0 for padding.",
    "segment_ids": "1 for a token of the second text, else 0.",
}


class _Byte(NamedTuple):
    value: int


class _Float(NamedTuple):
    value: float


def metadata_bytes(
    labels: Sequence[str], unknown_threshold: float, output: str
) -> bytes:
    """The metadata of a model with the inputs ids, mask and segment_ids.

    Args:
        labels: of the classes; empty for regression, whose output has no names.
        unknown_threshold: results below it are left out; 0 for none.
        output: name of the model's output.
    """
    writer = _Writer()
    inputs = [writer.tensor(name, text) for name, text in INPUTS.items()]
    named, units = [], []
    if labels:
        named = [writer.file(LABELS_FILE, "Names of the classes.", _TENSOR_AXIS_LABELS)]
    if unknown_threshold > 0:
        threshold = writer.table({0: _Float(unknown_threshold)})
        units = [writer.table({0: _Byte(_SCORE_THRESHOLDING), 1: threshold})]
    meaning = "Probability of each class." if labels else "The predicted number."
    outputs = [writer.tensor(output, meaning, named, units)]
    pieces = writer.file(VOCABULARY_FILE, "Pieces by id.", _VOCABULARY)
    tokenizer = writer.table({0: writer.tables([pieces])})
    unit = writer.table({0: _Byte(_BERT_TOKENIZER), 1: tokenizer})
    graph = writer.table(
        {
            2: writer.tables(inputs),
            3: writer.tables(outputs),
            5: writer.tables([unit]),
        }
    )
    root = writer.table(
        {
            0: writer.text("ei_bert_tf student"),
            3: writer.tables([graph]),
            7: writer.text(_PARSER_VERSION),
        }
    )
    return writer.finished(root)


class _Writer:
    """Writes tables bottom up; each method returns the place of what it wrote."""

    def __init__(self):
        self._builder = flatbuffers.Builder(1024)

    def text(self, text: str) -> int:
        return self._builder.CreateString(text)

    def tables(self, places: Sequence[int]) -> int:
        self._builder.StartVector(4, len(places), 4)
        for place in reversed(places):
            self._builder.PrependUOffsetTRelative(place)
        return self._builder.EndVector()

    def table(self, fields: Mapping[int, int | _Byte | _Float]) -> int:
        """A table of bytes, floats and places, by number of the field."""
        self._builder.StartObject(max(fields, default=-1) + 1)
        for field, value in fields.items():
            if isinstance(value, _Byte):
                self._builder.PrependUint8Slot(field, value.value, 0)
            elif isinstance(value, _Float):
                self._builder.PrependFloat32Slot(field, value.value, 0.0)
            else:
                self._builder.PrependUOffsetTRelativeSlot(field, value, 0)
        return self._builder.EndObject()

    def file(self, name: str, description: str, kind: int) -> int:
        """An AssociatedFile."""
        texts = {0: self.text(name), 1: self.text(description)}
        return self.table({**texts, 2: _Byte(kind)})

    def tensor(
        self,
        name: str,
        description: str,
        files: Sequence[int] = (),
        units: Sequence[int] = (),
    ) -> int:
        """A TensorMetadata of feature vectors."""
        properties = self.table({})
        fields: dict[int, int | _Byte | _Float] = {
            0: self.text(name),
            1: self.text(description),
            3: self.table({0: _Byte(_FEATURE_PROPERTIES), 1: properties}),
        }
        if units:
            fields[4] = self.tables(units)
        if files:
            fields[6] = self.tables(files)
        return self.table(fields)

    def finished(self, root: int) -> bytes:
        self._builder.Finish(root, IDENTIFIER)
        return bytes(self._builder.Output())
