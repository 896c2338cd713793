"""Published models beside which a student's size is shown."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class PublishedModel:
    """What its authors report of a small text model.

    Attributes:
        megabytes: 10^6 bytes of its weights, a byte a parameter.
        sst2: accuracy on SST-2, None where no readable value is published.
        split: of GLUE: dev, or its test server.
        source: where the value stands.
    """

    name: str
    megabytes: float
    sst2: float | None
    split: str
    source: str


_BERT = "github.com/google-research/bert, README"
_HASH = "NeuML's model card"
_TINYBERT = "arXiv 1909.10351"
PUBLISHED = (
    PublishedModel("bert-hash-femto", 0.24, 0.782, "dev", _HASH),
    PublishedModel("bert-hash-pico", 0.45, 0.788, "dev", _HASH),
    PublishedModel("bert-hash-nano", 0.97, 0.813, "dev", _HASH),
    PublishedModel("EI-BERT", 1.91, None, "", "arXiv 2507.04636"),
    PublishedModel("BERT-Tiny", 4.39, 0.832, "test", _BERT),
    PublishedModel("KroneckerBERT21", 5.2, 0.884, "test", "arXiv 2109.06243"),
    PublishedModel("BERT-Mini", 11.2, 0.859, "test", _BERT),
    PublishedModel("TinyBERT4", 14.5, 0.926, "test", _TINYBERT),
    PublishedModel(
        "MiniLM-L6-H384", 22.0, 0.915, "dev", "github.com/microsoft/unilm, README"
    ),
    PublishedModel("BERT-Small", 29.0, 0.897, "test", _BERT),
    PublishedModel("BERT-base", 109.0, 0.934, "test", _TINYBERT),
)
