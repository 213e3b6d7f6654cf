# make help lists the targets. They install into .venv, or into the virtual environment that is active; with
# PYTHON=/path/to/python they use that Python as it is and install nothing.

VENV ?= $(or $(VIRTUAL_ENV),.venv)
BASE_PYTHON ?= python3
JOBS ?= 2
ROUNDS ?= 20
# where the numbers of mutants begin; the same again with the SEED that a failure was found with, and ROUNDS=1
SEED := $(or $(SEED),$(shell date +%s))
# the tests that draw examples
FUZZ ?= mutants or stretch or reading or tables or where or losses or metrics or datasets or indexes or simulation \
	or preprocess

ifdef PYTHON
ready :=
else
PYTHON := $(VENV)/bin/python
ready := $(VENV)/.galaxtool-installed
endif

# tests run side by side; threads of their own would only be in each other's way
tests := OMP_NUM_THREADS=1 $(PYTHON) -m pytest -n $(JOBS) -q

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-all fuzz lint format docs bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

venv: $(ready) ## make the virtual environment and install galaxtool with what tests and lint need

demo: $(ready) ## simulate, finetune, classify, index, similar, export; about three minutes; everything goes to demo/
	@PYTHON="$(PYTHON)" bash scripts/demo.sh

test: $(ready) ## run the tests but those that are slow or need a GPU
	$(tests) -m "not slow and not gpu"

test-all: $(ready) ## run all tests; those that need a GPU or real images skip where there are none
	$(tests)

fuzz: $(ready) ## look for inputs that break something, with new examples in each of ROUNDS rounds
	for round in $$(seq 0 $$(($(ROUNDS) - 1))); do \
		export GALAXTOOL_HYPOTHESIS=fuzz GALAXTOOL_FUZZ_SEED=$$(($(SEED) + round)); echo "SEED=$$GALAXTOOL_FUZZ_SEED"; \
		$(tests) -m "not slow and not gpu" -k "$(FUZZ)" || exit 1; done

lint: $(ready) ## check style, formatting and types
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

format: $(ready) ## put style and formatting right
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

docs: $(ready) ## write docs/commands.md from the commands
	$(PYTHON) scripts/write_command_reference.py

bench: $(ready) ## measure how fast galaxtool starts
	$(PYTHON) benchmarks/startup.py

clean: ## remove what make and the tools have made here, the virtual environment too
	rm -rf .venv build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	$(BASE_PYTHON) -c 'import sys; sys.exit("galaxtool needs Python 3.11 or later: make BASE_PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(BASE_PYTHON) -m venv $(VENV)

$(VENV)/.galaxtool-installed: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet --editable ".[dev]"
	touch $@
