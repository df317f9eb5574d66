# The jobs of a checkout. `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

# The interpreter the virtual environment is made with: make install PYTHON=python3.12
PYTHON ?= python3

# More for pytest, for example only some tests, or all of them on every processor:
#   make test PYTEST_ARGS='-x -k rules'
#   make test PYTEST_ARGS='--numprocesses=auto --dist=loadgroup'
PYTEST_ARGS ?=

VENV := .venv
VPYTHON := $(VENV)/bin/python
TALONSCHEMA := $(VENV)/bin/talonschema
INSTALLED := $(VENV)/.installed
TYPES := build/types

# The folders validator/ and schemas/ are the packages talonschema and talonschema.schemas. mypy has
# no setting for that, so it reads them through links; errors are told by the real paths.
REAL_PATHS := sed -e 's|^$(TYPES)/talonschema/schemas/|schemas/|' -e 's|^$(TYPES)/talonschema/|validator/|'

.PHONY: help install demo test lint format types docs build clean

help: ## List these targets
	@echo 'Targets:'
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

install: $(INSTALLED) ## Make .venv with the package and the tools for development in it

$(INSTALLED): pyproject.toml
	@echo 'Installing into $(VENV) ...'
	@test -x $(VENV)/bin/pip || $(PYTHON) -m venv $(VENV)
	@$(VPYTHON) -m pip --disable-pip-version-check install -qq --editable '.[dev]'
	@touch $@

demo: install ## Check the example payloads, good and bad
	@echo '== Good examples: nothing to complain about'
	@$(TALONSCHEMA) check examples/good
	@echo
	@echo '== Bad examples: each has its finding'
	@status=0; $(TALONSCHEMA) check examples/bad || status=$$?; \
	if [ $$status -ne 1 ]; then \
	    echo "demo: expected exit status 1 for examples/bad, got $$status" >&2; exit 1; \
	fi

test: install lint types ## Lint, check the types, run every test
	@echo '== pytest'
	@$(VPYTHON) -m pytest $(PYTEST_ARGS)

lint: install ## Look for faults of style and layout
	@echo '== ruff'
	@$(VPYTHON) -m ruff check --quiet
	@$(VPYTHON) -m ruff format --check --quiet --diff

format: install ## Lay out the code and repair what can be repaired
	@$(VPYTHON) -m ruff check --quiet --fix-only
	@$(VPYTHON) -m ruff format

types: install ## Check the types of the package and of the tests
	@echo '== mypy'
	@rm -rf $(TYPES)
	@mkdir -p $(TYPES)/talonschema
	@for entry in validator/*; do \
	    ln -s "../../../$$entry" $(TYPES)/talonschema/; \
	done
	@ln -s ../../../schemas $(TYPES)/talonschema/schemas
	@$(VPYTHON) -m mypy --no-error-summary --package talonschema | $(REAL_PATHS)
	@$(VPYTHON) -m mypy --no-error-summary tests | $(REAL_PATHS)

docs: install ## Write the generated parts of the documentation
	@$(VPYTHON) docs/generate.py

build: install ## Build the source archive and the wheel into dist/
	@rm -rf dist
	@$(VPYTHON) -m build

clean: ## Remove what the other targets made
	@rm -rf $(VENV) build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find validator schemas tests -name __pycache__ -prune -exec rm -rf {} +
