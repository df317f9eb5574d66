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

# The benchmarks have an environment of their own, with the peers and the package as users get it.
#   make bench QUICK=1          takes a shorter look, and prints what it found
#   make bench-guard UPDATE=1   stores the figures to compare with from now on
QUICK ?=
UPDATE ?=
PEERS := benchmarks/.venv
PEERS_INSTALLED := $(PEERS)/.installed
QUESTIONS := accept read fail start lines growth

# The folders validator/ and schemas/ are the packages talonschema and talonschema.schemas. mypy has
# no setting for that, so it reads them through links; errors are told by the real paths.
REAL_PATHS := sed -e 's|^$(TYPES)/talonschema/schemas/|schemas/|' -e 's|^$(TYPES)/talonschema/|validator/|'

.PHONY: help install demo demo-gateway test lint format types docs golden build bench bench-guard bench-gateway clean

help: ## List these targets
	@echo 'Targets:'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

install: $(INSTALLED) ## Make .venv with the package and the tools for development in it

$(INSTALLED): pyproject.toml
	@echo 'Installing into $(VENV) ...'
	@test -x $(VENV)/bin/pip || $(PYTHON) -m venv $(VENV)
	@$(VPYTHON) -m pip --disable-pip-version-check install -qq --editable '.[dev]'
	@touch $@

demo: install ## Check the example payloads, good and bad
	@echo '== Good examples: nothing to complain about'
	@$(TALONSCHEMA) check --verbose examples/good
	@echo
	@echo '== Bad examples: each has its finding'
	@status=0; $(TALONSCHEMA) check examples/bad || status=$$?; \
	if [ $$status -ne 1 ]; then \
	    echo "demo: expected exit status 1 for examples/bad, got $$status" >&2; exit 1; \
	fi

demo-gateway: install ## Show a real Envoy with the plugin: an update passes, others are refused
	@$(VPYTHON) examples/gateway_demo.py

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

types: install ## Check the types of the package, the tests and the benchmarks
	@echo '== mypy'
	@rm -rf $(TYPES)
	@mkdir -p $(TYPES)/talonschema
	@for entry in validator/*; do \
	    ln -s "../../../$$entry" $(TYPES)/talonschema/; \
	done
	@ln -s ../../../schemas $(TYPES)/talonschema/schemas
	@$(VPYTHON) -m mypy --no-error-summary --package talonschema | $(REAL_PATHS)
	@$(VPYTHON) -m mypy --no-error-summary tests | $(REAL_PATHS)
	@$(VPYTHON) -m mypy --no-error-summary benchmarks | $(REAL_PATHS)

docs: install ## Write the generated parts of the documentation
	@$(VPYTHON) docs/generate.py

golden: install ## Write the files that the tests compare the output with
	@$(VPYTHON) tests/goldens.py

build: install ## Build the source archive and the wheel into dist/
	@rm -rf dist
	@$(VPYTHON) -m build

bench: install $(PEERS_INSTALLED) ## Measure beside the peers and write docs/performance.md
	@echo '== building the package for $(PEERS)'
	@rm -rf build/bench
	@$(VPYTHON) -m build --no-isolation --outdir build/bench > build/bench.log 2>&1 || \
	    { cat build/bench.log >&2; exit 1; }
	@$(VPYTHON) -m pip --disable-pip-version-check --python $(PEERS)/bin/python \
	    install -qq --force-reinstall --no-deps build/bench/*.whl
	@$(VPYTHON) -m pip --disable-pip-version-check --python $(PEERS)/bin/python \
	    install -qq build/bench/*.whl
	@$(PEERS)/bin/python -m compileall -q $(PEERS)/lib
	@for question in $(QUESTIONS); do \
	    echo "== $$question"; \
	    $(PEERS)/bin/python benchmarks/$$question.py $(if $(QUICK),--quick); \
	done
	@echo '== targets'
	@$(PEERS)/bin/python benchmarks/page.py $(if $(QUICK),--quick)

# Without pip in it, so that the bare interpreter that commands are compared with is bare.
$(PEERS_INSTALLED): benchmarks/requirements.txt benchmarks/node/package.json | install
	@echo 'Installing the peers into $(PEERS) ...'
	@$(VPYTHON) -m venv --clear --without-pip $(PEERS)
	@$(VPYTHON) -m pip --disable-pip-version-check --python $(PEERS)/bin/python \
	    install -qq --requirement benchmarks/requirements.txt
	@if command -v npm > /dev/null; then \
	    npm install --prefix benchmarks/node --no-package-lock --no-audit --no-fund --silent; \
	else \
	    echo 'Node is not installed: ajv is left out'; \
	fi
	@touch $@

bench-guard: install ## Count instructions of fixed workloads and compare with what is stored
	@$(VPYTHON) benchmarks/guard.py $(if $(UPDATE),--update)

bench-gateway: install ## Measure what the gateway plugin adds and write docs/gateway/performance.md
	@$(VPYTHON) benchmarks/gateway.py $(if $(QUICK),--quick)

clean: ## Remove what the other targets made
	@rm -rf $(VENV) $(PEERS) benchmarks/node/node_modules build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find validator schemas tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
