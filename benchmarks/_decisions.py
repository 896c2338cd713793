"""What engines make of texts together: which get one class from all."""

from typing import Any

import numpy as np


def decisions(
    logits: dict[str, np.ndarray], bound: int, leads_of: str = "litert_reference"
) -> dict[str, Any]:
    """Which texts get one class from all engines, and how near the best two are.

    Args:
        logits: by engine, litert_reference among them, int8 [N, C].
        bound: in steps, of a lead that counts as close.
        leads_of: the engine whose two best classes are looked at.
    """
    classes = np.stack([values.argmax(axis=1) for values in logits.values()])
    apart = (classes != classes[0]).any(axis=0)
    best = np.sort(logits[leads_of].astype(int), axis=1)[:, -2:]
    leads = best[:, 1] - best[:, 0]
    reference = logits["litert_reference"].argmax(axis=1)
    return {
        "same_class": float(1 - apart.mean()),
        "agreement": {
            name: float(np.mean(values.argmax(axis=1) == reference))
            for name, values in logits.items()
        },
        "leads_where_apart": sorted(leads[apart].tolist()),
        "apart_beyond_the_bound": int(np.sum(apart & (leads > bound))),
        "leads_within_the_bound": float(np.mean(leads <= bound)),
    }
