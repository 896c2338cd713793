"""The example in which texts switch a house, and its transcript."""

import ctypes
import json
import pathlib
import re
import subprocess

import pytest

from examples.firmware_blinky_intent import run_in_qemu
from firmware_export.package import write_firmware
from tests.exported import C_FOLDER, WARNINGS, small_contents

EXAMPLE = pathlib.Path(run_in_qemu.__file__).parent
THINGS = ("light", "brightness", "colour", "socket", "coffee", "cleaner", "volume")
SWITCH = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_int)
WRITE = ctypes.CFUNCTYPE(None, ctypes.c_char_p)


class Board(ctypes.Structure):
    """blinky_board."""

    _fields_ = (("write", WRITE), ("set", SWITCH))


class House:
    """The state machine, and what it has switched since it was asked last."""

    def __init__(self, library: ctypes.CDLL):
        self._library = library
        self._library.house_name.restype = ctypes.c_char_p
        self._state = (ctypes.c_int * len(THINGS))()
        self._switched: list[tuple[str, int]] = []
        self._changed = SWITCH(self._note)
        library.house_begin(self._state)

    def _note(self, thing: int, value: int) -> None:
        name = self._library.house_name(thing).decode()
        assert self._state[thing] == value
        self._switched.append((name, value))

    def obey(self, intent: str) -> list[tuple[str, int]] | None:
        """What it switches, None if the intent is none of its own."""
        self._switched = []
        found = self._library.house_obey(self._state, intent.encode(), self._changed)
        return self._switched if found else None


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> ctypes.CDLL:
    """The whole example but the board, around a classifier without a model."""
    folder = tmp_path_factory.mktemp("blinky")
    labels = ("iot_hue_lightoff", "iot_hue_lighton", "qa_maths")
    write_firmware(small_contents(labels=labels), folder / "firmware")
    sources = [*(folder / "firmware" / "src").glob("*.c"), *EXAMPLE.glob("*.c")]
    sources.append(C_FOLDER / "fake_classifier.c")
    command = ["cc", "-std=c99", *WARNINGS, "-shared", "-fPIC", f"-I{EXAMPLE}"]
    command += [f"-I{folder / 'firmware' / 'include'}", *map(str, sources)]
    subprocess.run([*command, "-o", str(folder / "blinky.so")], check=True)
    return ctypes.CDLL(str(folder / "blinky.so"))


@pytest.fixture
def house(library) -> House:
    return House(library)


def test_names_of_things(library, house):
    found = [library.house_name(thing).decode() for thing in range(len(THINGS) + 1)]
    assert found == [*THINGS, ""]
    assert library.house_name(-1) == b""


def test_what_is_switched_is_said_once(house):
    assert house.obey("iot_hue_lighton") == [("light", 1)]
    assert house.obey("iot_hue_lighton") == []
    assert house.obey("iot_hue_lightoff") == [("light", 0)]
    assert house.obey("iot_wemo_on") == [("socket", 1)]
    assert house.obey("iot_wemo_off") == [("socket", 0)]


def test_more_light_is_light(house):
    assert house.obey("iot_hue_lightup") == [("light", 1), ("brightness", 80)]
    assert house.obey("iot_hue_lightchange") == [("colour", 1)]


def test_steps_end_at_the_ends(house):
    switched = [house.obey("audio_volume_up") for _ in range(5)]
    assert switched == [[("volume", value)] for value in (50, 70, 90, 100)] + [[]]
    switched = [house.obey("iot_hue_lightdim") for _ in range(4)]
    assert switched == [[("brightness", value)] for value in (40, 20, 0)] + [[]]


def test_colours_go_round(house):
    house.obey("iot_hue_lighton")
    found = [house.obey("iot_hue_lightchange") for _ in range(5)]
    assert found == [[("colour", number)] for number in (1, 2, 3, 0, 1)]


def test_stop_stops_what_moves(house):
    assert house.obey("iot_cleaning") == [("cleaner", 1)]
    assert house.obey("iot_coffee") == [("coffee", 1)]
    assert house.obey("general_commandstop") == [("cleaner", 0), ("coffee", 0)]


@pytest.mark.parametrize("intent", ["qa_maths", "", "iot_hue_light"])
def test_other_intents_switch_nothing(house, intent):
    assert house.obey(intent) is None


def test_lines_are_answered_and_obeyed(library):
    written: list[str] = []
    switched: list[tuple[int, int]] = []
    board = Board(
        WRITE(lambda text: written.append(text.decode())),
        SWITCH(lambda thing, value: switched.append((thing, value))),
    )
    assert library.blinky_begin(ctypes.byref(board)) == 0
    # The label is the number of bytes, modulo 3; the more bytes, the less probable.
    said = (b"\n\r\n", b"\n", b"a\r\n", b"abcdef\n", b"ab\n", b"a" * 300 + b"\n")
    for byte in b"".join(said):
        library.blinky_take(ctypes.c_char(byte))
    assert "".join(written).splitlines() == [
        "self test: ok",
        "iot_hue_lighton 50 %",
        "  light -> 1",
        "iot_hue_lightoff 14 %",
        "  please say that again",
        "qa_maths 33 %",
        "  please say that again",
        "iot_hue_lighton 0 %",
        "  please say that again",
    ]
    assert switched == [(THINGS.index("light"), 1)]


@pytest.fixture(scope="module")
def transcript() -> dict:
    return json.loads(run_in_qemu.TRANSCRIPT.read_text("utf-8"))


def test_the_transcript_is_of_these_sources(transcript):
    assert transcript["sources"] == run_in_qemu.digests(), transcript["command"]


def test_the_transcript_stands_in_the_readme(transcript):
    shown = (EXAMPLE / "README.md").read_text("utf-8")
    assert "\n".join(transcript["printed"]) in shown
    assert transcript["printed"][0] == "self test: ok"


def test_the_house_on_the_board_did_what_the_house_does(transcript, house):
    said = (EXAMPLE / "said.txt").read_text("utf-8").splitlines()
    lines = transcript["printed"][1:-1]
    assert [line for line in lines if line in said] == said
    expected = []
    for line in lines:
        answer = re.fullmatch(r"(\w+) (\d+) %", line)
        if answer is None:
            continue
        assert answer[1] in transcript["labels"]
        if int(answer[2]) < 50:
            expected.append("  please say that again")
            continue
        switched = house.obey(answer[1])
        if switched is None:
            expected.append("  nothing to switch")
        else:
            expected += [f"  {name} -> {value}" for name, value in switched]
    assert [line for line in lines if line.startswith("  ")] == expected


def test_the_house_knows_labels_of_the_intent_set(transcript):
    rules = (EXAMPLE / "house.c").read_text("utf-8")
    intents = set(re.findall(r'\{"(\w+)", HOUSE_', rules))
    assert intents
    assert intents <= set(transcript["labels"])
