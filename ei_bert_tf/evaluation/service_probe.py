"""Run as a program by service.py: one classifier service, measured from inside.

A process of its own holds nothing but the interpreter, the tokenizer and what they
import, so that its memory is theirs. Reads one JSON object from standard input and
prints another one.
"""

import json
import os
import pathlib
import sys
from typing import Any

import numpy as np

from ei_bert_tf.evaluation.classifier import Classifier, model_files
from ei_bert_tf.evaluation.load import (
    BURST_REQUESTS,
    PATTERNS,
    Served,
    arrivals,
    saturation,
    serve,
)
from ei_bert_tf.evaluation.memory import AddedMemory, memory
from ei_bert_tf.evaluation.runtimes import open_runtime
from ei_bert_tf.text.wordpiece import WordPiece

_WARM_UP_REQUESTS = 2000


def added_memory(request: dict[str, Any]) -> dict[str, Any]:
    """What model, interpreter and tokenizer add to a process with their libraries."""
    folder = pathlib.Path(request["folder"])
    added = AddedMemory()
    model, vocabulary = model_files(folder)
    added.step("model")
    engine = open_runtime(request["runtime"], model)
    added.step("interpreter")
    tokenizer = WordPiece.load(vocabulary)
    added.step("tokenizer")
    classify = Classifier(engine, tokenizer, request["max_tokens"])
    for text in request["texts"]:
        classify(text)
    added.step("first_texts")
    return {"steps": added.steps, "total": added.total()}


class Service:
    """A classifier for each worker, on the texts of a request."""

    def __init__(self, request: dict[str, Any]):
        model, vocabulary = model_files(pathlib.Path(request["folder"]))
        tokenizer = WordPiece.load(vocabulary)
        self.workers = [
            Classifier(open_runtime("litert", model), tokenizer, request["max_tokens"])
            for _ in range(request["workers"])
        ]
        self.texts = request["texts"]
        self.answers = [self.workers[0](text) for text in self.texts]

    def saturation(self, requests: int) -> float:
        """Requests a second that it can answer at most."""
        return saturation(self.workers, self.texts, self.answers, requests)

    def serve(self, moments: np.ndarray) -> Served:
        """Answers requests that come at these seconds."""
        return serve(self.workers, self.texts, self.answers, moments)


def under_load(request: dict[str, Any]) -> dict[str, Any]:
    """Each pattern of arrivals at a share of what the service can do at most."""
    service = Service(request)
    if request["quota_file"] is not None:
        pathlib.Path(request["quota_file"]).write_text(str(os.getpid()))
    service.serve(np.zeros(min(_WARM_UP_REQUESTS, request["requests"])))
    limit = service.saturation(request["saturation_requests"])
    rate = request["utilization"] * limit
    patterns = {}
    for pattern in PATTERNS:
        before = memory()["resident_bytes"]
        moments = arrivals(pattern, request["requests"], rate, request["seed"])
        served = service.serve(moments)
        patterns[pattern] = {
            "requests": request["requests"],
            "errors": served.errors,
            "latency_ms": served.summary(),
            "seconds": round(served.seconds, 2),
        }
        # What it noted of each request is the measurement's memory, not the service's.
        del served, moments
        after = memory()["resident_bytes"]
        patterns[pattern] |= {
            "resident_bytes_before": before,
            "resident_bytes_after": after,
            "memory_growth": round(after / before - 1, 5),
        }
    return {
        "workers": request["workers"],
        "saturation_per_second": round(limit, 1),
        "utilization": request["utilization"],
        "offered_per_second": round(rate, 1),
        "burst_requests": BURST_REQUESTS,
        "patterns": patterns,
    }


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    measured = added_memory(asked) if asked["what"] == "memory" else under_load(asked)
    print(json.dumps(measured))
