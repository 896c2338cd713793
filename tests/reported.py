"""A report of a run that never was, and a reader of pages."""

import html.parser

VOID = ("meta", "br")


def contents(labels=("on", "off"), **changes):
    """Of a run that never was."""
    found = {
        "run": {
            "task": {
                "labels": list(labels),
                "text_columns": ["text"],
                "metric": "accuracy",
            },
            "teacher_name": "a <teacher>",
            "seed": 7,
            "recipe": {"student_epochs": 13, "quantization": "ptq"},
            "student": {"layers": 3},
            "environment": {
                "python": "3.11",
                "cpu": "some",
                "threads": 2,
                "packages": {"numpy": "2"},
            },
            "package_version": "0.1",
            "train_examples": 1234,
            "max_model_bytes": 10**6,
            "method": "kd",
            "preset": "quick",
            "command": "python -m tools.compress --seed=7",
        },
        "stages": [
            stage("teacher", 0.75, 90_000_000) | {"held_out": 0.625},
            stage("student_int8", 0.71875, 990_000),
        ],
        "runtimes": {
            name: {"value": 0.71875, "agreement": 0.9921875}
            for name in ("litert", "litert_reference", "tflm")
        },
        "operator_differences": [
            {
                "op": "ADD",
                "tensors": 17,
                "elements": 9,
                "different_share": 0.015625,
                "max_steps": 3,
            }
        ],
        "calibration": {
            "temperature": 1.5,
            "unknown_threshold": 0.25,
            "expected_calibration_error": 0.03,
            "uncalibrated_error": 0.09,
            "unknown_auroc": 0.875,
        },
        "segmentation": {"mean_tokens": 12.5, "unknown_share": 0.001},
        "parts": {"embedding": 500_000, "graph": 490_000},
        "flash": {
            "cortex-m4": {"model": 990_000, "tokenizer": 2174},
            "cortex-m55": {"model": 990_000, "tokenizer": 2214},
        },
        "device": {
            "core": "cortex-m7",
            "kernels": "CMSIS-NN",
            "instructions": 12_500_000,
            "uncounted": ["CAST"],
            "operators": [
                {
                    "op": "FULLY_CONNECTED",
                    "count": 7,
                    "instructions": 12_500_000,
                    "share": 1.0,
                }
            ],
        },
        "latency": {"rounds": 21}
        | {
            engine: {
                "whole_ms": whole,
                "sum_ms": whole,
                "operators": [
                    {"op": "FULLY_CONNECTED", "count": 7, "ms": whole, "share": 1.0}
                ],
            }
            for engine, whole in (("litert", 0.125), ("tflm", 16.75))
        },
        "arena": {
            "steps": [
                {"op": "GATHER", "layer": "embedding", "live_bytes": 512},
                {"op": "ADD", "layer": "<sum>", "live_bytes": 1536},
            ],
            "peak": {
                "op": "ADD",
                "layer": "<sum>",
                "live_bytes": 1536,
                "live": [{"layer": "positions", "bytes": 1024}],
            },
        },
        "layers": [{"layer": "pooler", "signal_to_noise_db": -3.5, "cosine": 0.5}],
        "published": [
            {"name": "small", "megabytes": 0.5, "sst2": 0.8125, "split": "dev"}
            | {"source": "a card"},
            {"name": "unknown", "megabytes": 2.0, "sst2": None, "split": ""}
            | {"source": "a paper"},
            {"name": "large", "megabytes": 8.0, "sst2": 0.90625, "split": "test"}
            | {"source": "a page"},
        ],
        "sensitivity": [
            {
                "module": module,
                "alone": {"value": 0.8125, "logits_error": 0.25},
                "together": {"value": value, "logits_error": 0.75},
            }
            for module, value in (("none", 0.8125), ("norms", 0.78125))
        ],
        "vocabulary": {
            "teacher": 30522,
            "used": 9000,
            "kept": 4321,
            "kept_share_of_tokens": 0.9375,
            "dropped": ["gone", "##<b>"],
            "last_kept": ["kept"],
        },
        "classes": [
            {"label": label, "examples": 4, "recall": 0.5, "precision": None}
            for label in labels
        ],
        "confusions": [
            {"label": a, "predicted": b, "count": 10 + i}
            for i, (a, b) in enumerate((a, b) for a in labels for b in labels)
        ],
        "mistakes": [
            {
                "text": "<script>alert(1)</script>",
                "pair": None,
                "label": labels[0] if labels else 1.5,
                "predicted": labels[-1] if labels else 2.5,
                "probability": 0.984,
            }
        ],
    }
    found["runtimes"]["tflm"]["arena_bytes"] = 2048
    return found | changes


def stage(name, value, size):
    return {
        "name": name,
        "metric": "accuracy",
        "value": value,
        "bytes": size,
        "seconds": 61.25,
    }


class Page(html.parser.HTMLParser):
    """Tags that are open, and all text."""

    def __init__(self, page: str):
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        assert not {"src", "href", "onclick"} & {name for name, _ in attributes}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        """Closes itself."""

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
