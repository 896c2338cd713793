"""What a job does where it is not told."""

import pytest

from ei_bert_tf.job import Job
from ei_bert_tf.recipe import METHODS, PRESET_METHODS, PRESETS


@pytest.mark.parametrize("preset", PRESETS)
def test_the_method_is_the_presets_unless_given(preset):
    assert Job(preset=preset).method == PRESET_METHODS[preset]
    for method in METHODS:
        assert Job(preset=preset, method=method).method == method
