"""Packaging of ei_bert_tf; the settings of the tools are in pyproject.toml."""

import pathlib

import setuptools

_ROOT = pathlib.Path(__file__).parent


def _version() -> str:
    """`__version__` of ei_bert_tf/version.py, read without importing the package."""
    names: dict[str, str] = {}
    exec((_ROOT / "ei_bert_tf" / "version.py").read_text("utf-8"), names)
    return names["__version__"]


setuptools.setup(
    name="ei_bert_tf",
    version=_version(),
    description="Compress a BERT into a full-int8 LiteRT student of a megabyte or two",
    long_description=(_ROOT / "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11,<3.13",
    # `tools` is too common a name for site-packages: it is installed inside the
    # package, and its modules import each other by relative names only.
    packages=[
        *setuptools.find_packages(
            include=[
                "ei_bert_tf",
                "ei_bert_tf.*",
                "firmware_export",
                "firmware_export.*",
            ]
        ),
        "ei_bert_tf.tools",
    ],
    package_dir={"ei_bert_tf.tools": "tools"},
    package_data={
        "ei_bert_tf": [
            *("evaluation/device_cost.json", "student/quality.json"),
            "reporting/templates/*",
        ],
        "firmware_export": [
            *("flash.json", "templates/*", "c/**/*.*", "targets/**/*", "python/*.*"),
            "page/*",
        ],
    },
    install_requires=[
        "absl-py>=1.4",
        "ai-edge-litert>=2.3,<3",
        "flatbuffers>=24",
        "importlib-resources>=6",
        "Jinja2>=3.1,<4",
        "keras-nlp>=0.32,<0.33",
        "numpy>=2,<3",
        "safetensors>=0.5",
        "scikit-learn>=1.5",
        "scipy>=1.13",
        "tensorflow>=2.21,<2.22",
        "tensorflow-datasets>=4.9,<5",
        "tensorflow-model-optimization>=0.8.1,<0.9",
        "tensorflow-text>=2.21,<2.22",
        "tf-keras>=2.21,<2.22",
        "tensorboard>=2.20,<3",
        "tflite-micro>=0.dev20261023",
        "tokenizers==0.23.3",
    ],
    extras_require={
        "benchmarks": [
            "fasttext-numpy2-wheel>=0.9.2",
            "onnx>=1.19",
            "onnxruntime>=1.23",
            "psutil>=6",
            "sympy>=1.13",
        ],
        "dev": [
            "build>=1.2",
            "cmake>=3.25",
            "hypothesis>=6.100",
            "kconfiglib>=14.1",
            "mypy>=1.11",
            "onnx>=1.19",
            "onnxruntime>=1.23",
            "pytest>=8",
            "pytest-cov>=5",
            "pytest-xdist>=3.6",
            "PyYAML>=6",
            "ruff>=0.6",
            "sympy>=1.13",
        ],
        "notebooks": ["ipykernel>=6.29", "matplotlib>=3.9", "nbclient>=0.10"],
    },
    entry_points={
        "console_scripts": [
            "ei-bert-ablate=ei_bert_tf.tools.ablate:run",
            "ei-bert-benchmark=ei_bert_tf.tools.benchmark:run",
            "ei-bert-compress=ei_bert_tf.tools.compress:run",
            "ei-bert-demo-page=ei_bert_tf.tools.demo_page:run",
            "ei-bert-distill=ei_bert_tf.tools.distill:run",
            "ei-bert-compare-reports=ei_bert_tf.tools.compare_reports:run",
            "ei-bert-evaluate=ei_bert_tf.tools.evaluate:run",
            "ei-bert-export-firmware=ei_bert_tf.tools.export_firmware:run",
            "ei-bert-predict=ei_bert_tf.tools.predict:run",
            "ei-bert-prune-vocabulary=ei_bert_tf.tools.prune_vocabulary:run",
            "ei-bert-quantize=ei_bert_tf.tools.quantize:run",
            "ei-bert-train-teacher=ei_bert_tf.tools.train_teacher:run",
        ]
    },
)
