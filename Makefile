# Everything runs from a clone in any folder; what a former call finished is reused.

# The first interpreter that runs. A name on the path is not enough: version managers
# leave names there that only print an error.
PYTHON ?= $(shell for name in python3.11 python3.12 python3; do \
	if $$name -c '' >/dev/null 2>&1; then echo $$name; break; fi; done)
PYTHON312 ?= python3.12
VENV := .venv
STAMP := $(VENV)/.installed
RUN := $(VENV)/bin/python

.PHONY: venv demo site records lint test test-all

venv: $(STAMP)

$(STAMP): setup.py constraints.txt ei_bert_tf/version.py
	@test -n "$(PYTHON)" || { echo "venv: no python3.11, python3.12 or python3 runs" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' || \
		{ echo "venv: $(PYTHON) is not Python 3.11 or 3.12; name one with PYTHON=" >&2; exit 1; }
	@echo "venv: installing the pinned packages into $(VENV) (some minutes)"
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install -q --disable-pip-version-check -e '.[dev]' -c constraints.txt
	@touch $(STAMP)

demo: $(STAMP)
	@$(RUN) -m tools.compress --dataset=builtin:bbc_news --preset=quick \
		--max_model_bytes=1000000 --output_dir=build/demo

site: $(STAMP)
	@bash tests/site_check.sh $(RUN) build/site-env

# What is derived from the records of benchmarks/, after a new one.
records: $(STAMP)
	@$(RUN) -m benchmarks.refresh_defaults
	@$(RUN) -m benchmarks.fit_quality
	@$(RUN) -m benchmarks.table --write

lint: $(STAMP)
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy

# Whole files go to the cores: what a file builds for its tests is built once.
test: lint
	@$(RUN) -m pytest -q -m "not slow" -n auto --dist=loadfile --cov --cov-fail-under=85

test-all: test
	@echo "test-all: cross compiler, emulator and checkers"
	@bash tests/debian_packages.sh
	@echo "test-all: slow tests"
	@$(RUN) -m pytest -q -m slow
	@echo "test-all: demo"
	@$(MAKE) --no-print-directory demo
	@echo "test-all: the site of docs/"
	@$(MAKE) --no-print-directory site
	@echo "test-all: Bazel and buildifier"
	@bash tests/bazel_check.sh $(RUN) build/bazel
	@echo "test-all: the component manager of ESP-IDF"
	@bash tests/esp_idf_check.sh $(RUN) build/esp-idf
	@echo "test-all: the wheel in a clean environment"
	@bash tests/wheel_smoke.sh $(RUN) build/smoke
	@if $(PYTHON312) -c '' >/dev/null 2>&1; then \
		echo "test-all: the wheel on Python 3.12"; \
		bash tests/wheel_smoke.sh $(PYTHON312) build/smoke-3.12; \
	else echo "test-all: no Python 3.12 here, its smoke test is left out"; fi
