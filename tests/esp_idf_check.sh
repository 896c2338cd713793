#!/usr/bin/env bash
# Reads the manifest of the exported package for ESP-IDF with the real component manager.
# usage: esp_idf_check.sh PYTHON FOLDER   (a scratch folder; its environment is kept)
set -euo pipefail
manager=idf-component-manager==3.1.2

python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$2"
folder=$(cd "$2" && pwd)

if ! "$folder/venv/bin/python" -c 'import idf_component_tools' 2>/dev/null; then
    "$python" -m venv --clear "$folder/venv"
    "$folder/venv/bin/python" -m pip install -q --disable-pip-version-check "$manager"
fi
rm -rf "$folder/package"
(cd "$root" && "$python" -m tests.exported esp-idf "$folder/package")
"$folder/venv/bin/python" - "$folder/package/ei_bert" <<'PYTHON'
import sys

from idf_component_tools.manager import ManifestManager

manifest = ManifestManager(sys.argv[1], "ei_bert").load()
names = sorted(requirement.name for requirement in manifest.requirements)
if names != ["espressif/esp-tflite-micro", "idf"]:
    sys.exit(f"the component manager reads {names}")
print(f"component manager: ei_bert {manifest.version} needs {', '.join(names)}")
PYTHON
