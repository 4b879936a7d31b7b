# Self-documenting: `make` lists the targets. PYTHON names the interpreter that makes .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOWEST := .venv-lowest
TENSORFLOW := .venv-tensorflow
PYTEST_ARGS ?= -n 2

.DEFAULT_GOAL := help
.PHONY: help install demo test test-extras test-tensorflow test-simulations test-lowest check samples bench clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed-all ## Make .venv with reportgen and everything to develop it

demo: $(VENV)/.installed ## Run the whole pipeline on handwritten digits; prints where the report is
	@$(BIN)/reportgen demo

# The compiled tests are kept, whatever the environment says: compiling them takes each worker 6 s.
test: $(VENV)/.installed-all ## Run the tests, without extras and long simulations
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --dist worksteal $(PYTEST_ARGS) \
		-m "not extra and not simulation"

test-extras: $(VENV)/.installed-models ## Test packages, recipes, models and trackers of other libraries; needs a package index
	@$(BIN)/python -m pytest --dist loadfile $(PYTEST_ARGS) -m extra

test-tensorflow: $(VENV)/.installed-models $(TENSORFLOW)/.installed ## Test the ways from TensorFlow; needs a package index
	@$(BIN)/python -m pytest -n 0 -m extra tests/inference/adapters/test_tensorflow.py

test-simulations: $(VENV)/.installed-all ## Run the long simulations
	@$(BIN)/python -m pytest --dist loadfile $(PYTEST_ARGS) -m simulation

# Old libraries warn of each other, so warnings are no errors here.
test-lowest: $(LOWEST)/.installed ## Run the tests without browser on the lowest versions of what is needed
	@$(LOWEST)/bin/python -m pytest --dist worksteal $(PYTEST_ARGS) -o filterwarnings=default \
		-m "not browser and not extra and not simulation"

check: $(VENV)/.installed-all ## Lint (ruff) and type-check (mypy --strict)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

samples: $(VENV)/.installed ## Make sample_reports/ again from its inputs
	@$(BIN)/python sample_reports/make.py

bench: $(VENV)/.installed-all ## Print the benchmarks' ratios
	@$(BIN)/python -m benchmarks

clean: ## Remove .venv, caches and what the demo wrote
	rm -rf $(VENV) $(LOWEST) $(TENSORFLOW) .ci/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis reportgen-demo dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps make a second call start at once; they are made anew when the project's needs change.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "reportgen needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || \
		{ rm -rf $(VENV); echo "$(PYTHON) can't make environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo]'
	@$(BIN)/python -m compileall -q reportgen  # pip compiles what it installs, but not what it links to
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -c \
		'from reportgen.rendering.html import compile_templates; compile_templates()'
	@touch $@

$(VENV)/.installed-all: pyproject.toml $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group test --group check
	@touch $@

$(VENV)/.installed-models: pyproject.toml $(VENV)/.installed-all
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group models
	@touch $@

$(LOWEST)/.installed: pyproject.toml .ci/lowest.py
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(PYTHON) .ci/lowest.py > $(LOWEST)/lowest.txt
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $(LOWEST)/lowest.txt
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

# TensorFlow crashes in one process with PyTorch, so it has an environment of its own.
$(TENSORFLOW)/.installed:
	$(PYTHON) -m venv --clear $(TENSORFLOW)
	$(TENSORFLOW)/bin/python -m pip install --quiet --disable-pip-version-check tensorflow-cpu tf2onnx onnx
	@touch $@
