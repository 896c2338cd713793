#!/usr/bin/env bash
# Builds the wheel, installs it in a clean environment and compresses a tiny teacher.
# usage: wheel_smoke.sh PYTHON FOLDER   (FOLDER is emptied)
set -euo pipefail

python=$1
root=$(cd "$(dirname "$0")/.." && pwd)
rm -rf "$2"
mkdir -p "$2"
folder=$(cd "$2" && pwd)
bin=$folder/venv/bin

# setuptools puts whatever an earlier build left there into the wheel.
rm -rf "$root/build/lib"

"$python" -m venv "$folder/venv"
"$bin/python" -m pip wheel -q --disable-pip-version-check --no-deps \
    -w "$folder/wheel" "$root"
"$bin/python" -m pip install -q --disable-pip-version-check \
    -c "$root/constraints.txt" "$folder"/wheel/*.whl

# From another folder, so that the clone is not what is imported.
cd "$folder"
"$bin/python" - <<'PYTHON'
import importlib.util
import pathlib
import sys

for name in ("tools", "tests", "examples", "benchmarks"):
    if importlib.util.find_spec(name) is not None:
        sys.exit(f"the wheel puts {name!r} into site-packages")

import ei_bert_tf.compat

if not pathlib.Path(ei_bert_tf.__file__).is_relative_to(sys.prefix):
    sys.exit(f"imported {ei_bert_tf.__file__}, not the wheel")
PYTHON
"$bin/ei-bert-compress" --help >/dev/null

"$bin/python" "$root/tests/make_tiny_teacher.py" tiny
"$bin/ei-bert-compress" --train_file=tiny/train.tsv --eval_file=tiny/eval.tsv \
    --text_columns=text --label_column=label --teacher=tiny/teacher \
    --preset=quick --max_seq_length=16 --output_dir=bundle
test -s bundle/model.tflite
"$bin/ei-bert-evaluate" --bundle=bundle --eval_file=tiny/eval.tsv
"$bin/ei-bert-predict" --bundle=bundle "a text"
"$bin/ei-bert-predict" --bundle=bundle --runtime=tflite_runtime \
    --tflite_runtime_python="$bin/python" "a text"
"$bin/ei-bert-benchmark" --bundle=bundle --eval_file=tiny/eval.tsv --nopeers --rounds=1
for target in cmake arduino esp-idf zephyr bazel; do
    "$bin/ei-bert-export-firmware" --bundle=bundle --target=$target \
        --output_dir="exported/$target"
done
cc -std=c99 -Iexported/cmake/include -c exported/cmake/src/*.c

# Some gigabytes that the next call makes anew.
rm -rf "$folder/venv"
echo "wheel_smoke: passed"
