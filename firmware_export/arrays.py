"""The model as a C++ array."""

from firmware_export.rendering import render

_ROW_BYTES = 12


def model_sources(model: bytes) -> dict[str, str]:
    """Text of model_data.h and model_data.cc by path inside the firmware folder.

    Raises:
        ValueError: the model is empty; C++ has no empty array.
    """
    if not model:
        raise ValueError("model: 0 bytes; a .tflite is accepted")
    rows = [
        " ".join(f"0x{byte:02x}," for byte in model[start : start + _ROW_BYTES])
        for start in range(0, len(model), _ROW_BYTES)
    ]
    return {
        "include/ei_bert/model_data.h": render("model_data.h.j2", model),
        "src/model_data.cc": render("model_data.cc.j2", model, rows=rows),
    }
