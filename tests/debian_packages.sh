#!/usr/bin/env bash
# Installs what the slow tests compile, check and emulate with, where it is missing.
set -euo pipefail

missing=()
want() { command -v "$1" >/dev/null || missing+=("${@:2}"); }
want arm-none-eabi-gcc gcc-arm-none-eabi libnewlib-arm-none-eabi \
    libstdc++-arm-none-eabi-newlib
want qemu-system-arm qemu-system-arm
want clang clang
want clang-tidy clang-tidy
want cppcheck cppcheck
if ((${#missing[@]})); then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
