"""The flashable blob: what is accepted, and that nothing else is."""

import ctypes
import math
import random
import struct
import zlib

import pytest

from firmware_export.blob import HEADER_BYTES, blob_bytes
from firmware_export.contents import GoldenVector
from firmware_export.package import write_firmware
from tests.compiled_firmware import Blobs, SelfTestReport, Slot, compiled
from tests.tiny_contents import tiny_contents

SECTIONS = 108  # offset of the table, as blob.h says
MODEL, LABELS, GROUPS, STARTS, IDS, OPERATORS, NAMES, GOLDEN, NOTE = range(9)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blob") / "firmware"
    write_firmware(tiny_contents(), folder)
    return compiled(folder)


@pytest.fixture(scope="module")
def blobs(library):
    return Blobs(library)


def resealed(blob: bytes, changes: dict[int, bytes]) -> bytes:
    """The blob with other bytes at those offsets, its checksums right again."""
    changed = bytearray(blob)
    for offset, content in changes.items():
        changed[offset : offset + len(content)] = content
    content_crc = zlib.crc32(changed[HEADER_BYTES:])
    changed[24:28] = struct.pack("<I", content_crc)
    changed[252:256] = struct.pack("<I", zlib.crc32(changed[:252]))
    return bytes(changed)


def golden(classes: int) -> tuple[GoldenVector, ...]:
    """A vector of two tokens."""
    return (GoldenVector(b"", None, (2, 3), (0,) * classes, 0),)


def section(blob: bytes, number: int) -> tuple[int, int]:
    """Offset and bytes of a section."""
    return struct.unpack_from("<2I", blob, SECTIONS + 8 * number)


def test_the_same_contents_give_the_same_blob(tmp_path):
    blob = blob_bytes(tiny_contents())
    assert blob == blob_bytes(tiny_contents())
    write_firmware(tiny_contents(), tmp_path / "firmware")
    assert (tmp_path / "firmware" / "ei_bert.blob").read_bytes() == blob
    assert blob != blob_bytes(tiny_contents(), sequence=2)


def test_a_blob_is_accepted_in_a_longer_slot(blobs):
    blob = blob_bytes(tiny_contents(), note="1.0 \u00e9")
    assert blobs.check(Slot(blob)) == "ok"
    assert blobs.check(Slot(blob + b"\xff" * 4096)) == "ok"
    assert blobs.check(Slot(resealed(blob, {}))) == "ok"


def test_of_two_the_newer_one_runs(blobs):
    slots = [Slot(blob_bytes(tiny_contents(), number)) for number in (7, 8, 8)]
    assert blobs.select(slots[0], slots[1]) == (slots[1], "ok")
    assert blobs.select(slots[1], slots[0]) == (slots[1], "ok")
    assert blobs.select(slots[1], slots[2]) == (slots[1], "ok")
    assert blobs.select(slots[0], None) == (slots[0], "ok")
    assert blobs.select(None, slots[0]) == (slots[0], "ok")
    assert blobs.select(None, None) == (None, "a pointer is NULL")


def test_every_flipped_bit_of_the_header_is_refused(blobs):
    old = Slot(blob_bytes(tiny_contents(), 1))
    new = Slot(blob_bytes(tiny_contents(), 2))
    for bit in range(8 * HEADER_BYTES):
        new.flip(bit)
        assert blobs.check(new) != "ok", bit
        assert blobs.select(old, new) == (old, "ok"), bit
        new.flip(bit)
    assert blobs.select(old, new) == (new, "ok")


def test_flipped_bits_and_truncations_elsewhere_are_refused(blobs):
    blob = blob_bytes(tiny_contents(), 2)
    old, new = Slot(blob_bytes(tiny_contents(), 1)), Slot(blob)
    generator = random.Random(0)
    for _ in range(1000):
        bit = generator.randrange(8 * HEADER_BYTES, 8 * len(blob))
        new.flip(bit)
        assert blobs.check(new) == "the checksum of the blob's content is wrong"
        assert blobs.select(new, old) == (old, "ok")
        new.flip(bit)
    for _ in range(1000):
        torn = Slot(blob[: generator.randrange(len(blob))])
        assert blobs.check(torn) == "the blob is longer than its slot"
        assert blobs.select(torn, old) == (old, "ok")
    # Torn while it was written: the rest is still erased.
    for _ in range(200):
        written = generator.randrange(len(blob))
        torn = Slot(blob[:written] + b"\xff" * (len(blob) - written))
        assert blobs.check(torn) != "ok"
        assert blobs.select(torn, old) == (old, "ok")


def test_an_erased_or_misplaced_slot_is_refused(blobs):
    blob = blob_bytes(tiny_contents())
    assert blobs.check(Slot(b"\xff" * 4096)) == "the slot holds no blob"
    assert blobs.check(Slot(b"")) == "the blob is longer than its slot"
    for offset in (1, 4, 8):
        status = blobs.check(Slot(blob, offset))
        assert status == "the blob's address is no multiple of 16"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"operators": [{"name": "SUB", "version": 1, "types": ["int8"]}]},
            "the blob's model has an operator that this firmware lacks",
        ),
        (
            {"operators": [{"name": "ADD", "version": 3, "types": ["int8"]}]},
            "the blob's model has an operator that this firmware lacks",
        ),
        (
            {"operators": [{"name": "ADD", "version": 2, "types": ["int16"]}]},
            "the blob's model has an operator on types that this firmware lacks",
        ),
        (
            {"labels": ("a", "b", "c"), "golden": golden(3)},
            "the blob has more classes than this firmware was built for",
        ),
        (
            {"max_tokens": 9},
            "the blob has more tokens than this firmware was built for",
        ),
        (
            {"arena_bytes": 5024},
            "the blob needs a larger arena than this firmware was built for",
        ),
        (
            {"pair": True},
            "the blob is for another kind of task or other Unicode tables",
        ),
        (
            {"unicode": "latin"},
            "the blob is for another kind of task or other Unicode tables",
        ),
    ],
)
def test_what_the_firmware_was_not_built_for_is_refused(blobs, changes, message):
    old = Slot(blob_bytes(tiny_contents(), 1))
    new = Slot(blob_bytes(tiny_contents(**changes), 2))
    assert blobs.check(new) == message
    assert blobs.select(old, new) == (old, "ok")
    assert blobs.select(new, None) == (None, message)


def test_less_than_the_firmware_was_built_for_is_accepted(blobs):
    less = tiny_contents(
        operators=[{"name": "ADD", "version": 1, "types": ["int8"]}],
        labels=("one",),
        golden=golden(1),
        max_tokens=4,
        arena_bytes=16,
    )
    assert blobs.check(Slot(blob_bytes(less))) == "ok"


def test_scratch_memory_of_kernels_is_no_room_for_a_larger_model(tmp_path):
    write_firmware(tiny_contents(), tmp_path / "firmware")
    library = compiled(tmp_path / "firmware", flags=["-DEI_BERT_CMSIS_NN"])
    larger = blob_bytes(tiny_contents(arena_bytes=5008 + 4096))
    message = "the blob needs a larger arena than this firmware was built for"
    assert Blobs(library).check(Slot(larger)) == message
    assert Blobs(library).check(Slot(blob_bytes(tiny_contents()))) == "ok"


@pytest.mark.parametrize(
    ("offset", "values", "unsigned"),
    [
        (64, [1], True),  # max_tokens: no room for the special ones
        (76, [0.0, -1.0, math.inf, math.nan], False),  # temperature
        (80, [-0.1, 1.1, math.nan], False),  # threshold
    ],
)
def test_numbers_that_no_task_has_are_refused(blobs, offset, values, unsigned):
    blob = blob_bytes(tiny_contents(golden=golden(2)))
    for value in values:
        changed = struct.pack("<I" if unsigned else "<f", value)
        status = blobs.check(Slot(resealed(blob, {offset: changed})))
        assert status == "the blob's parts do not fit together", value


def test_a_blob_without_golden_vectors_or_operators_is_refused(blobs):
    blob = blob_bytes(tiny_contents())
    for number in (GOLDEN, OPERATORS):
        emptied = resealed(blob, {SECTIONS + 8 * number + 4: bytes(4)})
        status = blobs.check(Slot(emptied))
        assert status == "the blob's parts do not fit together", number


def test_parts_that_do_not_fit_are_refused(blobs):
    blob = blob_bytes(tiny_contents())
    two = struct.pack("<2I", 0, 0)
    wrong: list[dict[int, bytes]] = [
        {SECTIONS: struct.pack("<I", 255)},
        {SECTIONS: struct.pack("<I", 272), SECTIONS + 4: struct.pack("<I", 0xFFFFFF00)},
        {SECTIONS + 4: struct.pack("<I", 0)},
        *({SECTIONS + 8 * number: two} for number in range(9)),
        {84: struct.pack("<I", 0)},  # no nodes
        {84: struct.pack("<I", 70000)},
        {88: struct.pack("<I", 100)},  # continuation
        {92: struct.pack("<I", 8)},  # ids of special pieces
        {104: struct.pack("<I", 7)},  # an id of the trie is no longer below it
        {64: struct.pack("<I", 0)},  # max_tokens
        {64: struct.pack("<I", 4)},  # fewer than golden vectors have
        {68: struct.pack("<I", 0)},  # classes
        {68: struct.pack("<I", 1)},  # fewer than there are names
        {12: struct.pack("<I", 128)},  # header_bytes
    ]
    # Every bit of the groups counts but those of nodes that the last group lacks.
    start, size = section(blob, GROUPS)
    for byte in range(12, size):
        wrong.append({start + byte: bytes([blob[start + byte] ^ 1])})
    for number in (STARTS, GOLDEN):
        start, size = section(blob, number)
        wrong.append({start: b"\xff" * 2})
    start, size = section(blob, NAMES)
    wrong.append({start + size - 1: b"x"})
    for changes in wrong:
        slot = Slot(resealed(blob, changes))
        assert blobs.check(slot) == "the blob's parts do not fit together", changes


def test_the_vocabulary_of_a_blob_is_the_firmwares(library):
    slot = Slot(blob_bytes(tiny_contents()))
    vocabulary = (ctypes.c_uint8 * 128)()
    library.ei_bert_blob_vocabulary(ctypes.c_void_p(slot.address), vocabulary)
    ids = (ctypes.c_int32 * 8)()
    tokens = library.ei_bert_tokenize_with(
        vocabulary,
        *(ctypes.c_char_p(b"offs x on"), ctypes.c_size_t(9), None, ctypes.c_size_t(0)),
        *(ids, None, None, ctypes.c_size_t(8)),
    )
    assert list(ids[:tokens]) == [2, 6, 7, 1, 5, 3]
    crc = library.ei_bert_trie_crc32
    crc.restype = ctypes.c_uint32
    assert crc(vocabulary) == crc(
        ctypes.byref(ctypes.c_uint8.in_dll(library, "ei_bert_model_vocabulary"))
    )


def test_the_self_test_of_the_tokenizer(library, tmp_path):
    ids, report = (ctypes.c_int32 * 8)(), SelfTestReport()
    test = library.ei_bert_self_test_tokenizer
    assert test(ids, ctypes.byref(report)) == 0
    assert (report.vectors, report.different, report.first_vector) == (2, 0, -1)
    assert test(ids, None) == 0
    assert test(None, None) == -1
    golden = tiny_contents().golden
    other = [golden[0], golden[1].__class__(b"on", None, (2, 6, 3), (0, 0), 0)]
    write_firmware(tiny_contents(golden=other), tmp_path / "other")
    test = compiled(tmp_path / "other").ei_bert_self_test_tokenizer
    assert test(ids, ctypes.byref(report)) == -6
    assert (report.first_vector, report.first_kind, report.first_index) == (1, 2, 1)
    assert (report.expected, report.found, report.different) == (6, 5, 1)
    write_firmware(tiny_contents(golden=[]), tmp_path / "none")
    assert compiled(tmp_path / "none").ei_bert_self_test_tokenizer(ids, None) == -6


def test_numbers_of_more_than_32_bits_are_refused():
    with pytest.raises(ValueError, match="sequence: -1; 0 to 4294967295"):
        blob_bytes(tiny_contents(), sequence=-1)
