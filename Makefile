# Every target makes its own virtual environment in .venv, and only when pyproject.toml changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= sortie/dole
DOCSTRINGS := $(BIN)/python -m numpydoc.hooks.validate_docstrings
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint bench docs captures clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 14

demo: $(VENV)/.run ## Write the map, the tables and the GeoPackage of the demonstration territory, offline
	$(BIN)/territoire-geo demo --out $(OUT)

test: $(VENV)/.test ## Run the tests, offline
ifeq ($(CHROMIUM),)
	@echo "chromium is not installed: the tests that open a map in a browser will be skipped."
	@echo "Debian, Ubuntu: apt-get install chromium"
endif
	$(BIN)/python -m pytest

lint: $(VENV)/.lint ## Check style, types, layers and docstrings
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(DOCSTRINGS) $$(find src -name '*.py')

bench: $(VENV)/.bench ## Run the benchmarks
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

docs: $(VENV)/.run ## Run the Python examples of README.md and docs/, and check their links
	$(BIN)/python scripts/check_docs.py

captures: $(VENV)/.test ## Take the pictures of docs/captures (needs chromium)
	$(BIN)/python scripts/build_screenshots.py

clean: ## Remove the environment, the caches and what was built
	rm -rf $(VENV) dist build sortie .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp says which extras the environment holds; pip runs again only after a change of pyproject.toml.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null || { \
		echo "Python 3.11, 3.12 or 3.13 is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo absent)." >&2; \
		echo "Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
		rm -rf $(VENV); echo "Debian, Ubuntu: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.run: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.test $(VENV)/.lint $(VENV)/.bench: $(VENV)/.%: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@ $(VENV)/.run
