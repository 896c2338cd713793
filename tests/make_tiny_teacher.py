"""Makes a tiny Hugging Face BERT folder and data it can learn, for tests.

usage: python make_tiny_teacher.py DIR
writes DIR/teacher (config.json, model.safetensors, vocab.txt), DIR/train.tsv and
DIR/eval.tsv with the columns text and label. Sizes are odd so that swapped axes show.
"""

import json
import pathlib
import sys
from typing import Any

import numpy as np
import safetensors.numpy

HIDDEN, LAYERS, HEADS, FEED_FORWARD, POSITIONS = 20, 3, 2, 28, 32
WORDS = {
    "good": ["good", "great", "fine", "happy", "bright"],
    "bad": ["bad", "poor", "awful", "sad", "dark"],
}
FILLERS = ["the", "a", "very", "film", "day", "was", "it", "house"]


def vocabulary() -> list[str]:
    """Special pieces, ASCII characters alone and as suffix, and the words."""
    characters = [chr(code) for code in range(0x21, 0x7F) if not chr(code).isupper()]
    words = [word for group in WORDS.values() for word in group] + FILLERS
    return [
        *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
        *characters,
        *("##" + character for character in characters),
        *(word for word in words if len(word) > 1),
    ]


def weights(
    generator: np.random.Generator, layers: int, hidden: int
) -> dict[str, np.ndarray]:
    """Random weights under the names of Hugging Face's BertModel."""

    def normal(*shape):
        return (generator.standard_normal(shape) * 0.2).astype(np.float32)

    found = {
        "embeddings.word_embeddings.weight": normal(len(vocabulary()), hidden),
        "embeddings.position_embeddings.weight": normal(POSITIONS, hidden),
        "embeddings.token_type_embeddings.weight": normal(2, hidden),
    }

    def dense(name, inputs, outputs):
        found[f"{name}.weight"] = normal(outputs, inputs)
        found[f"{name}.bias"] = normal(outputs)

    def norm(name):
        found[f"{name}.weight"] = 1 + normal(hidden)
        found[f"{name}.bias"] = normal(hidden)

    norm("embeddings.LayerNorm")
    for index in range(layers):
        layer = f"encoder.layer.{index}"
        for role in ("query", "key", "value"):
            dense(f"{layer}.attention.self.{role}", hidden, hidden)
        dense(f"{layer}.attention.output.dense", hidden, hidden)
        norm(f"{layer}.attention.output.LayerNorm")
        dense(f"{layer}.intermediate.dense", hidden, FEED_FORWARD)
        dense(f"{layer}.output.dense", FEED_FORWARD, hidden)
        norm(f"{layer}.output.LayerNorm")
    dense("pooler.dense", hidden, hidden)
    return found


def write_teacher(
    folder: pathlib.Path,
    layers: int = LAYERS,
    hidden: int = HIDDEN,
    heads: int = HEADS,
) -> None:
    """Writes the BERT folder."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "bert",
        "vocab_size": len(vocabulary()),
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": FEED_FORWARD,
        "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2,
        "hidden_act": "gelu",
    }
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": true}', "utf-8")
    (folder / "vocab.txt").write_text("\n".join(vocabulary()) + "\n", "utf-8")
    safetensors.numpy.save_file(
        weights(np.random.default_rng(0), layers, hidden),
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )


def write_distilbert(folder: pathlib.Path, bert: pathlib.Path) -> None:
    """Writes what a BERT folder holds as a DistilBERT with a head on top: without token
    types and pooler, under its own names."""
    names = {
        "encoder.layer": "transformer.layer",
        "attention.self.query": "attention.q_lin",
        "attention.self.key": "attention.k_lin",
        "attention.self.value": "attention.v_lin",
        "attention.output.dense": "attention.out_lin",
        "attention.output.LayerNorm": "sa_layer_norm",
        "intermediate.dense": "ffn.lin1",
        "output.dense": "ffn.lin2",
        "output.LayerNorm": "output_layer_norm",
    }
    tensors = {"pre_classifier.bias": np.zeros(HIDDEN, np.float32)}
    found = safetensors.numpy.load_file(bert / "model.safetensors")
    for name, tensor in found.items():
        if "token_type" in name or name.startswith("pooler"):
            continue
        for ours, theirs in names.items():
            name = name.replace(ours, theirs)
        tensors[f"distilbert.{name}"] = tensor
    folder.mkdir(parents=True)
    config = {
        "model_type": "distilbert",
        "vocab_size": len(vocabulary()),
        "dim": HIDDEN,
        "n_layers": LAYERS,
        "n_heads": HEADS,
        "hidden_dim": FEED_FORWARD,
        "max_position_embeddings": POSITIONS,
        "activation": "gelu",
    }
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "vocab.txt").write_bytes((bert / "vocab.txt").read_bytes())
    safetensors.numpy.save_file(
        tensors, folder / "model.safetensors", metadata={"format": "pt"}
    )


def write_data(path: pathlib.Path, rows: int, seed: int) -> None:
    """Texts with one telling word each."""
    generator = np.random.default_rng(seed)
    lines = ["text\tlabel"]
    for row in range(rows):
        label = ("bad", "good")[row % 2]
        words = list(generator.choice(FILLERS, generator.integers(1, 6)))
        place = generator.integers(len(words) + 1)
        words.insert(place, str(generator.choice(WORDS[label])))
        lines.append(" ".join(words) + f"\t{label}")
    path.write_text("\n".join(lines) + "\n", "utf-8")


def write_task(folder: pathlib.Path, hidden: int = HIDDEN, heads: int = HEADS) -> None:
    """Writes a teacher, 240 texts to learn from and 40 to report."""
    write_teacher(folder / "teacher", hidden=hidden, heads=heads)
    write_data(folder / "train.tsv", 240, 1)
    write_data(folder / "eval.tsv", 40, 2)


def job_choices(folder: pathlib.Path, recipe: str = "recipe.json") -> dict[str, Any]:
    """What a Job says of write_task's files, and of a recipe beside them."""
    return {
        "train": folder / "train.tsv",
        "evaluate": folder / "eval.tsv",
        "text": "text",
        "label": "label",
        "teacher": str(folder / "teacher"),
        "preset": "quick",
        "recipe": folder / recipe,
        "max_seq_length": 13,
    }


if __name__ == "__main__":
    write_task(pathlib.Path(sys.argv[1]))
