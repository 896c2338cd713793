"""TensorFlow Datasets, over a small one that the test builds."""

import numpy as np
import pytest

from ei_bert_tf.errors import InputError
from ei_bert_tf.job import Job
from ei_bert_tf.text.datasets import load_tfds

LABELS = ["sad", "glad"]


@pytest.fixture(scope="module")
def tfds(tmp_path_factory):
    """TFDS with three small data sets in a folder of their own."""
    import tensorflow_datasets as module

    features = module.features

    class Toy(module.core.GeneratorBasedBuilder):
        VERSION = module.core.Version("1.0.0")

        def _features(self):
            return {
                "text": features.Text(),
                "number": np.int64,
                "pieces": features.Sequence(np.int64),
                "label": features.ClassLabel(names=LABELS),
            }

        def _info(self):
            found = features.FeaturesDict(self._features())
            return module.core.DatasetInfo(builder=self, features=found)

        def _split_generators(self, dl_manager):
            return {
                split: self._generate_examples(split, count)
                for split, count in self._counts().items()
            }

        def _counts(self):
            return {"train": 6, "validation": 4, "test": 2, "unsupervised": 3}

        def _generate_examples(self, split, count):
            for n in range(count):
                label = -1 if split == "test" else n % 2
                yield (
                    n,
                    {
                        "text": f"{split} caf\u00e9 {n}",
                        "number": n,
                        "pieces": [n],
                        "label": label,
                    },
                )

    class ToyPairs(Toy):
        VERSION = module.core.Version("1.0.0")

        def _features(self):
            texts = {"first": features.Text(), "second": features.Text()}
            return texts | {"score": np.float32}

        def _counts(self):
            return {"train": 4, "test": 2}

        def _generate_examples(self, split, count):
            for n in range(count):
                yield n, {"first": f"a {n}", "second": f"b {n}", "score": n / 4}

    class ToyHidden(ToyPairs):
        VERSION = module.core.Version("1.0.0")

        def _counts(self):
            return {"train": 4, "validation": 3, "test": 2}

        def _generate_examples(self, split, count):
            for n, example in super()._generate_examples(split, count):
                yield n, example | ({"score": -1.0} if split == "test" else {})

    class ToyUntold(ToyPairs):
        VERSION = module.core.Version("1.0.0")

        def _counts(self):
            return {"train": 4}

    folder = tmp_path_factory.mktemp("tfds")
    module.core.add_data_dir(str(folder))
    for builder in (Toy, ToyPairs, ToyHidden, ToyUntold):
        builder(data_dir=str(folder)).download_and_prepare()
    return module


def test_single_texts(tfds):
    data = load_tfds("toy", None, None, "classification", None, None)
    assert data.task.text_columns == ("text",)
    assert data.task.labels == ("glad", "sad")
    assert sorted(data.train.texts) == [f"train café {n}" for n in range(6)]
    for text, target in zip(data.train.texts, data.train.targets, strict=True):
        assert data.task.labels[target] == LABELS[int(text[-1]) % 2]
    assert len(data.evaluate) == 4
    assert data.test is None  # Its rows have no label.
    assert len(data.unlabeled) == 3
    again = load_tfds("toy", None, None, "classification", None, None)
    assert again.train.texts == data.train.texts


def test_pairs_with_a_number(tfds):
    data = load_tfds("toy_pairs", None, "score", "classification", None, None)
    assert data.task.is_regression and data.task.is_pair
    assert data.task.metric == "pearson"
    assert dict(zip(data.train.texts, data.train.targets, strict=True)) == {
        f"a {n}": n / 4 for n in range(4)
    }
    assert len(data.evaluate) == 2
    assert data.test is data.unlabeled is None


def test_a_split_whose_numbers_are_all_hidden_is_left_out(tfds):
    data = load_tfds("toy_hidden", None, "score", "classification", None, None)
    assert len(data.evaluate) == 3
    assert data.test is None


def test_one_of_two_texts(tfds):
    job = Job(dataset="tfds:toy_pairs", text="second", label="score")
    assert not job.load_dataset().task.is_pair


@pytest.mark.parametrize(
    ("name", "text", "label", "message"),
    [
        ("no_such_thing", None, None, "tfds:no_such_thing: no such data set"),
        ("toy", ["words"], None, "no text 'words'; texts are: text"),
        ("toy", None, "pieces", "'pieces' is not one value a row"),
        ("toy", None, "mood", "features are: .*label"),
        ("toy_pairs", None, None, "--label_column must name the label"),
        ("toy_untold", None, "score", "no labelled split to report on"),
    ],
)
def test_refusals(tfds, name, text, label, message):
    with pytest.raises(InputError, match=message):
        load_tfds(name, text, label, "classification", None, None)
