"""The model as data that a linker places: an array in two forms, or an object."""

from firmware_export.elf import MACHINES, data_object
from firmware_export.rendering import render

FORMS = ("hex", "text", *(f"object-{machine}" for machine in MACHINES))
_HEX_ROW_BYTES = 12
_TEXT_ROW_BYTES = 32
_ALIGNMENT = 16
# What may not stand for itself in a string literal.
_ESCAPED = b'"\\?'


def model_sources(model: bytes, form: str = "hex") -> dict[str, str | bytes]:
    """model_data.h and the data itself by path inside the firmware folder.

    Args:
        model: the .tflite.
        form: `hex` for an array that can be read, `text` for a string literal, which
            compiles in a fraction of the time, `object-MACHINE` for an object file to
            link.

    Raises:
        ValueError: the model is empty, since C++ has no empty array, or another form.
    """
    if not model:
        raise ValueError("model: 0 bytes; a .tflite is accepted")
    if form not in FORMS:
        raise ValueError(f"model form {form!r}; accepted: {', '.join(FORMS)}")
    header: dict[str, str | bytes] = {
        "include/ei_bert/model_data.h": render("model_data.h.j2", model)
    }
    if form.startswith("object-"):
        machine = form.removeprefix("object-")
        linked = data_object(model, "ei_bert_model", _ALIGNMENT, machine)
        return header | {f"lib/{machine}/model_data.o": linked}
    rows = _hex_rows(model) if form == "hex" else _text_rows(model)
    source = render("model_data.cc.j2", model, form=form, rows=rows)
    return header | {"src/model_data.cc": source}


def _hex_rows(model: bytes) -> list[str]:
    return [
        " ".join(f"0x{byte:02x}," for byte in model[start : start + _HEX_ROW_BYTES])
        for start in range(0, len(model), _HEX_ROW_BYTES)
    ]


def _text_rows(model: bytes) -> list[str]:
    shown = [
        chr(byte) if 0x20 <= byte < 0x7F and byte not in _ESCAPED else f"\\{byte:03o}"
        for byte in range(256)
    ]
    return [
        '"'
        + "".join(shown[byte] for byte in model[start : start + _TEXT_ROW_BYTES])
        + '"'
        for start in range(0, len(model), _TEXT_ROW_BYTES)
    ]
