#!/usr/bin/env bash
# Parses BUILD and the exported package for Bazel with a real Bazel, and checks their
# format with buildifier.
# usage: bazel_check.sh PYTHON FOLDER   (a scratch folder, emptied first)
set -euo pipefail
python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
folder=$2
root=$(cd "$(dirname "$0")/.." && pwd)

if ! command -v bazel >/dev/null; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends bazel-bootstrap >/dev/null
fi
rm -rf "$folder"
mkdir -p "$folder/tree" "$folder/npm"
folder=$(cd "$folder" && pwd)

git -C "$root" ls-files -z | (cd "$root" && tar --null -T - -c) | tar -x -C "$folder/tree"
touch "$folder/tree/WORKSPACE"
(cd "$root" && "$python" -m tests.exported bazel "$folder/package")
touch "$folder/package/WORKSPACE"
# The package's rules, which are native to the Bazel of Debian; newer ones fetch them.
mkdir -p "$folder/rules_cc/cc"
touch "$folder/rules_cc/WORKSPACE" "$folder/rules_cc/cc/BUILD"
for rule in cc_binary cc_library cc_toolchain cc_toolchain_suite; do
    echo "$rule = native.$rule"
done > "$folder/rules_cc/cc/defs.bzl"

query() {
    bazel --batch --output_user_root="$folder/bazel" query "$@" 2>"$folder/log" ||
        { cat "$folder/log" >&2; exit 1; }
}
cd "$folder/tree"
query //... > "$folder/targets"
echo "bazel: $(wc -l < "$folder/targets") targets"
cd "$folder/package"
# Without the toolchain, which newer rules need.
alone=(--noimplicit_deps "--override_repository=rules_cc=$folder/rules_cc")
query "${alone[@]}" 'deps(//example:serial_classifier)' > "$folder/needed"
for needed in //:classifier //:tokenizer //:tflm //:src/classifier.cc \
    //:include/ei_bert/op_resolver.h //example:line_classifier.c; do
    grep -qx "$needed" "$folder/needed" || { echo "bazel: $needed is not needed" >&2; exit 1; }
done
query "${alone[@]}" 'deps(//:tokenizer)' > "$folder/needed"
if grep -q tflm "$folder/needed"; then echo "bazel: the tokenizer needs TFLM" >&2; exit 1; fi
echo "bazel: the exported package is whole"

npm install --silent --no-audit --no-fund --prefix "$folder/npm" @bazel/buildifier@8.2.1
"$folder/npm/node_modules/.bin/buildifier" -mode=check -lint=off "$folder/tree/BUILD" \
    "$folder/package/BUILD.bazel" "$folder/package/MODULE.bazel" \
    "$folder/package/example/BUILD.bazel"
echo "buildifier: BUILD and the exported package are formatted"
