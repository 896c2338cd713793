"""The curve of accuracy over size."""

import json

from ei_bert_tf.reporting.sizes import SizesReport


def manifest(limit, value):
    stages = [("teacher", 0.9, 4_000_000), ("student_float", value + 0.01, 900_000)]
    return {
        "max_model_bytes": limit,
        "model_bytes": limit - 7,
        "flash_bytes": limit + 11,
        "task": {"labels": ["a", "b"]},
        "teacher_name": "a <b>",
        "seed": 3,
        "student": {
            "layers": 2,
            "hidden_size": 48,
            "heads": 1,
            "feed_forward_size": 192,
            "vocabulary_size": 700,
            "embedding_size": 24,
        },
        "stages": [
            {
                "name": name,
                "metric": "f1",
                "value": found,
                "held_out": found - 0.02,
                "bytes": size,
            }
            for name, found, size in stages
        ],
        "runtimes": {
            "litert": {"value": value},
            "litert_reference": {"value": value},
            "tflm": {"value": value - 0.03, "arena_bytes": 4096},
        },
    }


def test_both_files_have_every_size(tmp_path):
    report = SizesReport([manifest(200_000, 0.8), manifest(100_000, 0.45)])
    report.write(tmp_path)
    found = json.loads((tmp_path / "sizes.json").read_text("utf-8"))
    assert (found["metric"], found["teacher"]["value"]) == ("f1", 0.9)
    first, second = found["sizes"]
    assert (first["max_model_bytes"], first["model_bytes"]) == (200_000, 199_993)
    assert (second["litert"], second["tflm"]) == (0.45, 0.45 - 0.03)
    assert (second["held_out"], second["arena_bytes"]) == (0.46 - 0.02, 4096)
    page = (tmp_path / "sizes.html").read_text("utf-8")
    assert page.count("<circle") == 3
    assert 'href="100000/report.html"' in page
    assert "50.0 %" in page
    assert "a &lt;b&gt;" in page
