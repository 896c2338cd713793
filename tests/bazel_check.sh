#!/usr/bin/env bash
# Parses BUILD with a real Bazel and checks its format with buildifier.
# usage: bazel_check.sh FOLDER   (a scratch folder, emptied first)
set -euo pipefail
folder=$1
root=$(cd "$(dirname "$0")/.." && pwd)

if ! command -v bazel >/dev/null; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends bazel-bootstrap >/dev/null
fi
if ! command -v npm >/dev/null; then
    apt-get install -y -qq --no-install-recommends npm >/dev/null
fi
rm -rf "$folder"
mkdir -p "$folder/tree" "$folder/npm"
folder=$(cd "$folder" && pwd)

git -C "$root" ls-files -z | (cd "$root" && tar --null -T - -c) | tar -x -C "$folder/tree"
touch "$folder/tree/WORKSPACE"
cd "$folder/tree"
query() { bazel --batch --output_user_root="$folder/bazel" query "$1" 2>"$folder/log" || { cat "$folder/log" >&2; exit 1; }; }
query //... > "$folder/targets"
echo "bazel: $(wc -l < "$folder/targets") targets"

npm install --silent --no-audit --no-fund --prefix "$folder/npm" @bazel/buildifier@8.2.1
"$folder/npm/node_modules/.bin/buildifier" -mode=check -lint=off BUILD
echo "buildifier: BUILD is formatted"
