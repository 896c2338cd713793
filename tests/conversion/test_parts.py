"""The bytes of a file by part add up to the file."""

from ei_bert_tf.conversion.parts import part_bytes
from tests.tiny_models import tiny_tflite


def test_a_file_without_layers_of_a_student_is_all_graph():
    model = tiny_tflite()
    found = part_bytes(model)
    assert found["graph"] == len(model)
    assert sum(found.values()) == len(model)
