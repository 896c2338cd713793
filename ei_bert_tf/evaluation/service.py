"""A classifier service in a process of its own: memory, and latency under load."""

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from ei_bert_tf.errors import InputError
from ei_bert_tf.evaluation.cpu_quota import cpu_quota

PROBE = "ei_bert_tf.evaluation.service_probe"
# Of what the service can do at most.
UTILIZATION = 0.7
CORE_SHARE = 0.1
_ROOT = pathlib.Path(__file__).parents[2]


class Service:
    """A bundle's classifier, started anew for each measurement.

    Args:
        folder: with model.tflite and vocab.txt.
        max_tokens: the model's T.
        texts: of one text or a pair each, asked for again and again.
    """

    def __init__(
        self, folder: pathlib.Path, max_tokens: int, texts: Sequence[Sequence[str]]
    ):
        self._request: dict[str, Any] = {
            "folder": str(folder),
            "max_tokens": max_tokens,
            "texts": [list(text) for text in texts],
        }

    def added_memory(self, runtime: str) -> dict[str, Any]:
        """Bytes that model, interpreter and tokenizer add, by step and together."""
        return self._probe(what="memory", runtime=runtime)

    def under_load(self, requests: int, workers: int, seed: int = 0) -> dict[str, Any]:
        """Latency, errors and memory with `workers` threads on as many cores."""
        return self._load(requests, workers, None, seed)

    def on_a_tenth_of_a_core(self, requests: int, seed: int = 0) -> dict[str, Any]:
        """The same with one worker, which the kernel stops after 10 of 100 ms, and a
        tenth of the requests.

        Raises:
            InputError: the kernel does not let this process set such a limit.
        """
        with cpu_quota(CORE_SHARE) as file:
            few = max(1, round(requests * CORE_SHARE))
            measured = self._load(few, 1, file, seed)
        return measured | {"core_share": CORE_SHARE}

    def _load(
        self, requests: int, workers: int, quota: pathlib.Path | None, seed: int
    ) -> dict[str, Any]:
        return self._probe(
            what="load",
            requests=requests,
            saturation_requests=max(1, requests // 5),
            workers=workers,
            utilization=UTILIZATION,
            quota_file=None if quota is None else str(quota),
            seed=seed,
        )

    def _probe(self, **more: Any) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", PROBE],
            input=json.dumps(self._request | more),
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": str(_ROOT)},
        )
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            cause = lines[-1].strip() if lines else "no message"
            raise InputError(f"service: its process ended: {cause}")
        return json.loads(done.stdout)
