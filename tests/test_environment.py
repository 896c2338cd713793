"""What the manifest says of the machine tells CPUs with one name apart."""

import pathlib
import re

from ei_bert_tf.composition import environment


def test_cpu_is_named_with_family_and_model():
    info = pathlib.Path("/proc/cpuinfo")
    text = info.read_text("utf-8") if info.is_file() else ""
    cpu = environment()["cpu"]
    assert cpu
    for key, name in (("cpu family", "family"), ("model", "model")):
        found = re.search(rf"^{key}\s*: (\d+)$", text, re.MULTILINE)
        if found:
            assert f", {name} {found[1]}" in cpu
