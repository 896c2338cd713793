"""A DistilBERT as the BERT that it is with other names (Sanh et al. 2019, section 3).

It has BERT's blocks, and neither token types nor a pooler. So the token types are
zeros, which a task of pairs learns, and the pooler is fresh, as BERT's classifier is.
"""

import json
import pathlib
import shutil
from typing import Any

import numpy as np
import safetensors.numpy

MODEL_TYPE = "distilbert"
_CONFIG = {
    "vocab_size": "vocab_size",
    "dim": "hidden_size",
    "n_layers": "num_hidden_layers",
    "n_heads": "num_attention_heads",
    "hidden_dim": "intermediate_size",
    "max_position_embeddings": "max_position_embeddings",
    "activation": "hidden_act",
}
_IN_BLOCK = {
    "attention.q_lin": "attention.self.query",
    "attention.k_lin": "attention.self.key",
    "attention.v_lin": "attention.self.value",
    "attention.out_lin": "attention.output.dense",
    "sa_layer_norm": "attention.output.LayerNorm",
    "ffn.lin1": "intermediate.dense",
    "ffn.lin2": "output.dense",
    "output_layer_norm": "output.LayerNorm",
}
_SEGMENTS = 2
_STDDEV = 0.02  # BERT's initializer_range.


def write_as_bert(
    source: pathlib.Path, target: pathlib.Path, seed: int = 0
) -> pathlib.Path:
    """Writes a Hugging Face DistilBERT folder as a BERT folder.

    Args:
        source: with config.json, model.safetensors and vocab.txt.
        target: a new folder.
        seed: of the pooler's weights.

    Returns:
        The target.

    Raises:
        KeyError: a field of the configuration or a tensor is missing.
    """
    theirs = json.loads((source / "config.json").read_text("utf-8"))
    config = {ours: theirs[name] for name, ours in _CONFIG.items()}
    found = safetensors.numpy.load_file(source / "model.safetensors")
    # A model with a head on top has its encoder's tensors under a prefix.
    tensors = {name.removeprefix(f"{MODEL_TYPE}."): x for name, x in found.items()}
    target.mkdir(parents=True)
    (target / "config.json").write_text(
        json.dumps(config | {"model_type": "bert", "type_vocab_size": _SEGMENTS}),
        "utf-8",
    )
    safetensors.numpy.save_file(
        _bert_tensors(tensors, config, seed),
        target / "model.safetensors",
        metadata={"format": "pt"},
    )
    shutil.copyfile(source / "vocab.txt", target / "vocab.txt")
    return target


def _bert_tensors(
    tensors: dict[str, np.ndarray], config: dict[str, Any], seed: int
) -> dict[str, np.ndarray]:
    width = config["hidden_size"]
    names = {
        f"embeddings.{table}_embeddings.weight": f"embeddings.{table}_embeddings.weight"
        for table in ("word", "position")
    }
    for kind in ("weight", "bias"):
        names[f"embeddings.LayerNorm.{kind}"] = f"embeddings.LayerNorm.{kind}"
        for block in range(config["num_hidden_layers"]):
            for theirs, ours in _IN_BLOCK.items():
                name = f"encoder.layer.{block}.{ours}.{kind}"
                names[name] = f"transformer.layer.{block}.{theirs}.{kind}"
    found = {ours: tensors[theirs].astype(np.float32) for ours, theirs in names.items()}
    pooler = np.random.default_rng(seed).standard_normal((width, width)) * _STDDEV
    return found | {
        "embeddings.token_type_embeddings.weight": np.zeros(
            (_SEGMENTS, width), np.float32
        ),
        "pooler.dense.weight": pooler.astype(np.float32),
        "pooler.dense.bias": np.zeros(width, np.float32),
    }
