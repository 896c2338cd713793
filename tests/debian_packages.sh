#!/usr/bin/env bash
# Installs what the slow tests compile, check and emulate with, where it is missing.
set -euo pipefail

packages=(
    gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib
    qemu-system-arm
    clang libclang-rt-dev # The second has libFuzzer and the sanitizers.
    clang-tidy
    cppcheck
    nodejs chromium
    # The JSON is what Android brings.
    kotlin default-jre-headless libandroid-json-java
    libegl1 libgles2 # MediaPipe's library is linked to them.
)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
        missing+=("$package")
done
if ((${#missing[@]})); then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
# Node.js from elsewhere brings its own npm, which Debian's would contradict.
if ! command -v npm >/dev/null; then
    apt-get install -y -qq --no-install-recommends npm >/dev/null
fi
