"""The phone folder's model: the student's weights, what is added, the metadata."""

import dataclasses
import io
import zipfile

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from ei_bert_tf.conversion.flatbuffer import parse_model, signature_tensors, type_name
from ei_bert_tf.evaluation.calibration import probabilities
from ei_bert_tf.evaluation.runtimes import open_runtime
from firmware_export.phone import phone_files, write_phone
from tests.real_contents import real_contents
from tests.tiny_models import TOKENS, tiny_encoded

TASKS = [(2, False), (5, False), (3, True), (1, False), (1, True)]
# An int8 probability is a multiple of 1/256 of which 255 is the largest, and the tables
# of the kernels add less than half a step.
PROBABILITY_ERROR = 1.5 / 256


def phone_model(contents) -> bytes:
    model = phone_files(contents)["model.tflite"]
    assert isinstance(model, bytes)
    return model


def run(model, encoded, reference=False):
    """float32 [B, C] of the signature's one output."""
    resolver = OpResolverType.BUILTIN_REF if reference else OpResolverType.AUTO
    interpreter = Interpreter(
        model_content=model, experimental_op_resolver_type=resolver
    )
    runner = interpreter.get_signature_runner("serving_default")
    rows = []
    for row in range(len(encoded)):
        one = encoded.take([row])
        (found,) = runner(
            ids=one.ids, mask=one.mask, segment_ids=one.segment_ids
        ).values()
        rows.append(found[0])
    return np.array(rows)


def test_the_weights_and_operators_are_the_students():
    for outputs, pair in TASKS:
        contents = real_contents(outputs, pair)
        before, after = map(parse_model, (contents.model, phone_model(contents)))
        assert any(buffer.data is not None for buffer in before.buffers)
        for old, new in zip(before.buffers, after.buffers, strict=False):
            assert bytes(old.data if old.data is not None else b"") == bytes(
                new.data if new.data is not None else b""
            )
        old, new = before.subgraphs[0], after.subgraphs[0]
        for one, other in zip(old.tensors, new.tensors, strict=False):
            assert (one.type, list(one.shape)) == (other.type, list(other.shape))
            assert one.buffer == other.buffer
            scales = [tensor.quantization.scale for tensor in (one, other)]
            assert np.array_equal(*scales) or scales == [None, None]
        added = len(new.operators) - len(old.operators)
        assert added == (1 if contents.is_regression else 2)
        for one, other in zip(old.operators, new.operators, strict=False):
            assert list(one.inputs) == list(other.inputs)
            assert list(one.outputs) == list(other.outputs)
            assert one.opcodeIndex == other.opcodeIndex


@pytest.mark.parametrize(("outputs", "pair"), TASKS)
def test_the_interface(outputs, pair):
    parsed = parse_model(phone_model(real_contents(outputs, pair)))
    graph = parsed.subgraphs[0]
    inputs, results = signature_tensors(parsed)
    assert list(inputs) == ["ids", "mask", "segment_ids"]
    assert list(graph.inputs) == list(inputs.values())
    for name, index in inputs.items():
        tensor = graph.tensors[index]
        assert (tensor.name.decode(), type_name(tensor)) == (name, "int32")
        assert list(tensor.shape) == [1, TOKENS]
    ((name, index),) = results.items()
    assert name == ("value" if outputs == 1 else "probabilities")
    assert list(graph.outputs) == [index]
    floats = [t for t in graph.tensors if type_name(t) not in ("int8", "int32")]
    assert floats == [graph.tensors[index]]
    assert type_name(graph.tensors[index]) == "float32"
    assert list(graph.tensors[index].shape) == [1, outputs]
    if outputs > 1:
        quantization = graph.tensors[index - 1].quantization
        assert quantization.scale == [1 / 256]
        assert quantization.zeroPoint == [-128]


def test_data_is_aligned_as_the_format_asks():
    model = np.frombuffer(phone_model(real_contents(2, False)), np.uint8)
    start = model.__array_interface__["data"][0]
    parsed = schema.Model.GetRootAs(model, 0)
    places = [
        parsed.Buffers(number).DataAsNumpy().__array_interface__["data"][0] - start
        for number in range(parsed.BuffersLength())
        if parsed.Buffers(number).DataLength()
    ]
    assert len(places) > 3
    assert all(place % 16 == 0 for place in places)


@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize("temperature", [0.05, 0.7, 1.0, 20.0])
@pytest.mark.parametrize(("outputs", "pair"), TASKS[:3])
def test_probabilities_are_the_calibrated_ones(outputs, pair, temperature, reference):
    contents = real_contents(outputs, pair)
    contents = dataclasses.replace(contents, temperature=temperature)
    encoded = tiny_encoded(40)
    engine = open_runtime("litert_reference" if reference else "litert", contents.model)
    values = engine.dequantize(engine.logits(encoded))
    wanted = probabilities(values, temperature)
    found = run(phone_model(contents), encoded, reference)
    assert np.ptp(wanted) > 0.3 or temperature == 20.0
    assert np.abs(found - wanted).max() <= PROBABILITY_ERROR
    assert (found * 256 == np.round(found * 256)).all()


@pytest.mark.parametrize("pair", [False, True])
def test_a_regression_gives_its_value(pair):
    contents = real_contents(1, pair)
    encoded = tiny_encoded(40)
    engine = open_runtime("litert", contents.model)
    wanted = engine.dequantize(engine.logits(encoded))
    assert np.ptp(wanted) > 0
    assert np.array_equal(run(phone_model(contents), encoded), wanted)


def test_single_texts_have_segment_ids_that_nothing_reads():
    model = phone_model(real_contents(2, False))
    encoded = tiny_encoded(5)
    other = dataclasses.replace(encoded, segment_ids=1 - encoded.segment_ids)
    assert np.array_equal(run(model, encoded), run(model, other))


class Table:
    """A table of a flatbuffer, read by the number of its fields."""

    def __init__(self, data: bytes, place: int):
        self.table = flatbuffers.table.Table(data, place)

    @classmethod
    def root(cls, data: bytes) -> "Table":
        return cls(data, flatbuffers.encode.Get(flatbuffers.packer.uoffset, data, 0))

    def offset(self, field: int) -> int:
        return self.table.Offset(4 + 2 * field)

    def text(self, field: int) -> str:
        return self.table.String(self.table.Pos + self.offset(field)).decode()

    def byte(self, field: int) -> int:
        return self.table.Bytes[self.table.Pos + self.offset(field)]

    def float32(self, field: int) -> float:
        flags = flatbuffers.number_types.Float32Flags
        return self.table.Get(flags, self.table.Pos + self.offset(field))

    def child(self, field: int) -> "Table":
        place = self.table.Indirect(self.table.Pos + self.offset(field))
        return Table(self.table.Bytes, place)

    def children(self, field: int) -> list["Table"]:
        if not self.offset(field):
            return []
        start = self.table.Vector(self.offset(field))
        count = self.table.VectorLen(self.offset(field))
        return [
            Table(self.table.Bytes, self.table.Indirect(start + 4 * number))
            for number in range(count)
        ]


def metadata(model: bytes) -> Table:
    """The root of the metadata in a model, checked for its identifier."""
    parsed = parse_model(model)
    (entry,) = [e for e in parsed.metadata if e.name == b"TFLITE_METADATA"]
    data = bytes(parsed.buffers[entry.buffer].data)
    assert data[4:8] == b"M001"
    return Table.root(data)


@pytest.mark.parametrize(("outputs", "pair"), TASKS)
def test_the_metadata_names_tensors_files_and_units(outputs, pair):
    contents = real_contents(outputs, pair)
    model = phone_model(contents)
    root = metadata(model)
    assert root.text(7) == "1.1.0"
    (graph,) = root.children(3)
    names = [tensor.text(0) for tensor in graph.children(2)]
    parsed = parse_model(model)
    places = signature_tensors(parsed)[0]
    assert [places[name] for name in names] == list(parsed.subgraphs[0].inputs)
    (output,) = graph.children(3)
    assert output.text(0) == next(iter(signature_tensors(parsed)[1]))
    files = [(file.text(0), file.byte(2)) for file in output.children(6)]
    assert files == ([("labels.txt", 2)] if outputs > 1 else [])
    (unit,) = graph.children(5)
    assert unit.byte(0) == 4
    (vocabulary,) = unit.child(1).children(0)
    assert (vocabulary.text(0), vocabulary.byte(2)) == ("vocab.txt", 5)
    thresholds = output.children(4)
    if outputs > 1:
        (threshold,) = thresholds
        assert threshold.byte(0) == 3
        wanted = np.float32(contents.unknown_threshold)
        assert threshold.child(1).float32(0) == wanted > 0
    else:
        assert thresholds == []


def test_without_an_unknown_label_nothing_is_left_out():
    contents = dataclasses.replace(real_contents(2, False), unknown_threshold=0.0)
    (output,) = metadata(phone_model(contents)).children(3)[0].children(3)
    assert output.children(4) == []


@pytest.mark.parametrize(("outputs", "pair"), TASKS)
def test_vocabulary_and_labels_are_files_at_the_end(outputs, pair):
    contents = real_contents(outputs, pair)
    with zipfile.ZipFile(io.BytesIO(phone_model(contents))) as archive:
        assert archive.testzip() is None
        lines = {
            entry.filename: archive.read(entry).decode().split("\n")
            for entry in archive.infolist()
        }
        for entry in archive.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED
            # None of the machine's own: not its clock, system or rights.
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert (entry.create_system, entry.external_attr) == (3, 0o644 << 16)
    assert lines.pop("vocab.txt") == [*contents.pieces, ""]
    wanted = {"labels.txt": [*contents.labels, ""]} if outputs > 1 else {}
    assert lines == wanted


def test_the_same_contents_give_the_same_bytes(tmp_path):
    write_phone(real_contents(2, False), tmp_path / "a")
    write_phone(dataclasses.replace(real_contents(2, False)), tmp_path / "b")
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == [
        *("model.tflite", "predict_tflite_runtime.py", "task.json", "unicode.json"),
    ]
    for name in names:
        first, second = (tmp_path / folder / name for folder in "ab")
        assert first.read_bytes() == second.read_bytes()


def test_an_older_folder_is_replaced_another_one_is_refused(tmp_path):
    folder = tmp_path / "phone"
    write_phone(real_contents(2, False), folder)
    (folder / "stale").write_text("")
    write_phone(real_contents(5, False), folder)
    assert not (folder / "stale").exists()
    (folder / "predict_tflite_runtime.py").unlink()
    with pytest.raises(ValueError, match="is no phone folder"):
        write_phone(real_contents(2, False), folder)
