# make help lists the targets. They install into .venv, or into the active virtual environment. With
# PYTHON=/path/to/python they install nothing and use that interpreter.

VENV ?= $(or $(VIRTUAL_ENV),.venv)
BASE_PYTHON ?= python3
JOBS ?= 2
ROUNDS ?= 20
# first number of the mutants; to repeat a failure, give its SEED and ROUNDS=1
SEED := $(or $(SEED),$(shell date +%s))
# tests that draw examples
FUZZ ?= mutants or stretch or reading or tables or filter or losses or metrics or datasets or indexes or simulation \
	or preprocess or random_records

ifdef PYTHON
ready :=
docs_ready :=
else
PYTHON := $(VENV)/bin/python
ready := $(VENV)/.galaxtool-installed
docs_ready := $(VENV)/.galaxtool-docs-installed
endif

# tests run in parallel, so each process uses one thread
tests := OMP_NUM_THREADS=1 $(PYTHON) -m pytest -n $(JOBS) --dist worksteal -q
# the plugins are installed in a folder that only their own tests see
plugins := build/plugins

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-all test-plugins fuzz lint format docs notebooks bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

venv: $(ready) ## create the virtual environment and install galaxtool with the development tools

demo: $(ready) ## simulate, finetune, classify, index, similar, export, in about three minutes; writes to demo/
	@PYTHON="$(PYTHON)" bash scripts/demo.sh

test: $(ready) ## run the tests and doctests, except slow tests and those that need a GPU
	$(tests) -m "not slow and not gpu"

test-all: $(ready) ## run all tests, also those of the plugins; those that need a GPU or real images are skipped without them
	$(tests)
	$(MAKE) test-plugins

test-plugins: $(ready) ## install the plugins in plugins/ into build/ and run their tests
	rm -rf $(plugins)
	$(PYTHON) -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation \
		--target $(plugins) $(addprefix ./,$(wildcard plugins/galaxtool-*))
	PYTHONPATH=$(plugins) $(tests) $(wildcard plugins/galaxtool-*/tests)

fuzz: $(ready) ## search for inputs that break something, with new examples in each of ROUNDS rounds
	for round in $$(seq 0 $$(($(ROUNDS) - 1))); do \
		export GALAXTOOL_HYPOTHESIS=fuzz GALAXTOOL_FUZZ_SEED=$$(($(SEED) + round)); echo "SEED=$$GALAXTOOL_FUZZ_SEED"; \
		$(tests) -m "not slow and not gpu" -k "$(FUZZ)" || exit 1; done

lint: $(ready) ## check style, formatting, spelling and types
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m codespell_lib
	$(PYTHON) -m mypy

format: $(ready) ## fix style and formatting
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

docs: $(ready) $(docs_ready) ## generate the pages of commands, hooks and names, and build the site in docs/_build/html
	$(PYTHON) scripts/write_command_reference.py
	$(PYTHON) scripts/write_hook_reference.py
	$(PYTHON) scripts/write_api_reference.py
	$(PYTHON) scripts/write_type_stubs.py
	$(PYTHON) -m sphinx -c docs --fail-on-warning --keep-going --quiet . docs/_build/html

notebooks: $(ready) $(docs_ready) ## run the notebooks of the documentation again, and store their outputs
	$(PYTHON) scripts/run_notebooks.py

bench: $(ready) ## measure how fast galaxtool starts
	$(PYTHON) benchmarks/startup.py

clean: ## remove everything that make and the tools created, including the virtual environment
	rm -rf .venv build dist demo docs/_build docs/api .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	$(BASE_PYTHON) -c 'import sys; sys.exit("galaxtool needs Python 3.11 or later: make BASE_PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(BASE_PYTHON) -m venv $(VENV)

$(VENV)/.galaxtool-installed: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet --editable ".[dev]"
	touch $@

$(VENV)/.galaxtool-docs-installed: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet --editable ".[docs]"
	touch $@
