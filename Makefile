# The jobs of a checkout. `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory
# Tests start hundreds of processes; without its bytecode, each would compile the package.
unexport PYTHONDONTWRITEBYTECODE

# The interpreter the virtual environment is made with: make install PYTHON=python3.12
PYTHON ?= python3

# Further arguments for pytest, for example: make test PYTEST_ARGS='-x -k rules'
PYTEST_ARGS ?=
# How much longer the oracles search than make test-slow, which has an effort of 1.
EFFORT ?= 20
# The time that make fuzz gives each of its targets.
SECONDS ?= 60
# Tests that share a server carry one group, which one process runs.
PYTEST := -m pytest --numprocesses=auto --dist=loadgroup
# Tests that are not slow spend a third of their time waiting, so more of them run at a time.
BUSY := PYTEST_XDIST_AUTO_NUM_WORKERS=$$(($$(getconf _NPROCESSORS_ONLN) * 3 / 2))

VENV := .venv
VPYTHON := $(VENV)/bin/python
PIP := $(VPYTHON) -m pip --disable-pip-version-check
UV := $(VENV)/bin/uv
# Hashes of every package that is installed; a release elsewhere changes nothing here.
LOCK := requirements/dev.txt
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --custom-compile-command 'make lock'
# Tests that start programs or take whole corpora through something: not for the quick loop.
SLOW := $(addprefix tests/,evolution export gateway oracles output structure testing \
    cli/test_outputs.py cli/test_process.py cli/test_robustness.py cli/test_summary.py \
    files/test_ndjson.py reading/test_document.py reading/test_parsing.py test_action.py \
    test_concurrency.py test_deploy.py test_doc_blocks.py test_hook.py test_packaging.py)
# The environments of test-latest and test-lowest.
LATEST := build/latest
LOWEST := build/lowest
# The environment of test-spark, whose packages are several times as large as all others.
SPARK := build/spark
SPARK_INSTALLED := $(SPARK)/.installed
# The environment of api-drift, with whatever release of the SDK is the newest.
NEWEST_SDK := build/sdk
# The environment of the fuzzer, which has a compiler's runtime in it.
FUZZ := build/fuzz
FUZZ_INSTALLED := $(FUZZ)/venv/.installed
# The environment of what makes mutants; see tests/mutation/README.md.
#   make mutants MODULE='rules/*.py' SAMPLE=80   takes 80 mutants of these modules
MUTATION := build/mutation
MUTATION_INSTALLED := $(MUTATION)/.installed
MODULE ?= *
SAMPLE ?=
MOST ?=
JOBS ?=
TALONSCHEMA := $(VENV)/bin/talonschema
INSTALLED := $(VENV)/.installed
TYPES := build/types

# The benchmarks have an environment of their own, with the peers and the package as users get it.
#   make bench QUICK=1          takes a shorter look, and prints what it found
#   make bench QUESTIONS=real   runs one of its scripts again
#   make bench-guard UPDATE=1   stores the figures to compare with from now on
QUICK ?=
UPDATE ?=
PEERS := benchmarks/.venv
PEERS_INSTALLED := $(PEERS)/.installed
# The documentation site has an environment of its own, too.
SITE := build/site
SITE_INSTALLED := $(SITE)/.installed
QUESTIONS := accept read fail start lines growth real

# The folders validator/ and schemas/ are the packages talonschema and talonschema.schemas. mypy has
# no setting for that, so it reads them through links; its errors are printed with the real paths.
REAL_PATHS := sed -e 's|^$(TYPES)/talonschema/schemas/|schemas/|' -e 's|^$(TYPES)/talonschema/|validator/|'

.PHONY: help install lock demo demo-gateway quick test test-latest test-lowest test-slow test-spark oracles api-drift lint format types docs released golden site dist bench bench-guard bench-gateway bench-sizing bench-attacks bench-spark fleet fuzz bench-bounds test-monitoring bench-lookup mutants clean

help: ## List these targets
	@echo 'Targets:'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

# xds-protos comes first, since it has an older copy of what opentelemetry-proto installs.
install: $(INSTALLED) ## Make .venv with the package and the tools for development in it

$(INSTALLED): pyproject.toml $(LOCK)
	@echo 'Installing the locked requirements into $(VENV) ...'
	@test -x $(VENV)/bin/pip || $(PYTHON) -m venv $(VENV)
	@$(PIP) install -qq --require-hashes --no-deps --requirement <(sed -n '/^xds-protos==/,/^[^ ]/p' $(LOCK) | sed '$$d')
	@$(PIP) install -qq --require-hashes --requirement $(LOCK)
	@$(PIP) install -qq --no-deps --no-build-isolation --editable .
	@touch $@

lock: $(INSTALLED) ## Write the newest versions of all requirements into the locks
	@$(COMPILE) --upgrade pyproject.toml --extra dev --output-file $(LOCK)
	@$(COMPILE) --upgrade pyproject.toml --extra gateway-grpc --constraint $(LOCK) \
	    --output-file requirements/gateway.txt
	@$(COMPILE) --upgrade pyproject.toml benchmarks/requirements.in \
	    --output-file requirements/benchmarks.txt
	@$(COMPILE) --upgrade docs/site/requirements.in --output-file requirements/site.txt
	@$(COMPILE) --upgrade tests/mutation/requirements.in --output-file requirements/mutation.txt
	@$(COMPILE) --upgrade pyproject.toml --extra duckdb --extra spark --extra testing \
	    tests/scale/requirements.in --output-file requirements/spark.txt
	@$(COMPILE) --upgrade pyproject.toml --extra gateway --extra testing --extra yaml \
	    tests/fuzz/requirements.in --output-file requirements/fuzz.txt
	@for folder in benchmarks/node docs/site tests/node; do \
	    npm update --prefix $$folder --package-lock-only --omit-lockfile-registry-resolved \
	        --no-audit --no-fund --silent; \
	done

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
	@PYTHONPATH=tests $(VPYTHON) examples/gateway_demo.py

test: ## Lint, check the types, run the tests on all processors
	@echo 'Running ruff, mypy and the tests (about three minutes on two processors).'
	@$(MAKE) install lint types
	@echo '== pytest'
	@$(BUSY) $(VPYTHON) $(PYTEST) -m 'not slow' $(PYTEST_ARGS)

test-slow: install ## Run the tests that end, starve and race real processes, and search longer
	@TALONSCHEMA_EFFORT=1 $(VPYTHON) $(PYTEST) -m 'slow or hypothesis' $(PYTEST_ARGS)

quick: ## Lint, check the types, run the fast tests on one engine: the loop of a day
	@$(MAKE) install lint types
	@echo '== pytest, the fast tests, on one engine'
	@$(VPYTHON) $(PYTEST) -m 'not slow' -k 'not jsonschema or jsonschema-rs' \
	    $(addprefix --ignore=,$(SLOW)) $(PYTEST_ARGS)

# With pip, since uv leaves out what packages bring along as scripts, such as Caddy's binary.
test-latest: install ## Run every test with the newest release of every requirement
	@rm -rf $(LATEST)
	@$(VPYTHON) -m venv $(LATEST)
	@$(PIP) --python $(LATEST)/bin/python install -qq --no-deps xds-protos
	@$(PIP) --python $(LATEST)/bin/python install -qq --upgrade --editable '.[dev]'
	@$(LATEST)/bin/python $(PYTEST) $(PYTEST_ARGS)

test-lowest: install ## Run every test with the lowest releases that pyproject.toml allows
	@rm -rf $(LOWEST)
	@$(VPYTHON) -m venv $(LOWEST)
	@$(UV) pip compile --quiet pyproject.toml --extra gateway-grpc --extra gateway-lookup --extra gateway-otel \
	    --extra kong --extra testing --extra yaml \
	    --resolution lowest-direct --no-deps --python-version 3.11 \
	    --output-file $(LOWEST)/bounds.txt
	@$(PIP) --python $(LOWEST)/bin/python install -qq --no-deps xds-protos
	@$(PIP) --python $(LOWEST)/bin/python install -qq --constraint $(LOWEST)/bounds.txt \
	    --editable '.[dev]'
	@$(LOWEST)/bin/python $(PYTEST) $(PYTEST_ARGS)

# Spark needs Java, 17 or newer.
test-spark: $(SPARK_INSTALLED) ## Run the examples for Spark and DuckDB beside the command
	@$(SPARK)/bin/python -m pytest tests/scale $(PYTEST_ARGS)

$(SPARK_INSTALLED): pyproject.toml requirements/spark.txt | install
	@echo 'Installing Spark and DuckDB into $(SPARK) ...'
	@$(VPYTHON) -m venv --clear --without-pip $(SPARK)
	@$(PIP) --python $(SPARK)/bin/python install -qq --require-hashes \
	    --requirement requirements/spark.txt
	@$(PIP) --python $(SPARK)/bin/python install -qq --no-deps --no-build-isolation --editable .
	@touch $@

test-monitoring: install ## Try alerts and the dashboard beside gateways in each state
	@TALONSCHEMA_MONITORING=1 $(VPYTHON) -m pytest tests/gateway/monitoring $(PYTEST_ARGS)

oracles: install ## Compare verdicts with those of independent oracles, on many more payloads
	@TALONSCHEMA_EFFORT=$(EFFORT) $(VPYTHON) $(PYTEST) tests/oracles tests/evolution $(PYTEST_ARGS)

api-drift: install ## Compare the schemas with the models of the newest talon-one-sdk
	@rm -rf $(NEWEST_SDK)
	@$(VPYTHON) -m venv --without-pip $(NEWEST_SDK)
	@$(PIP) --python $(NEWEST_SDK)/bin/python install -qq --upgrade --editable . talon-one-sdk
	@$(NEWEST_SDK)/bin/python tests/support/api_drift.py

fuzz: $(FUZZ_INSTALLED) ## Search for inputs that break a promise, SECONDS=60 for each target
	@PYTHONPATH=tests $(FUZZ)/venv/bin/python tests/fuzz/run.py --seconds $(SECONDS)

$(FUZZ_INSTALLED): pyproject.toml requirements/fuzz.txt | install
	@echo 'Installing the fuzzer into $(FUZZ) ...'
	@$(VPYTHON) -m venv --clear --without-pip $(FUZZ)/venv
	@$(PIP) --python $(FUZZ)/venv/bin/python install -qq --require-hashes \
	    --requirement requirements/fuzz.txt
	@$(PIP) --python $(FUZZ)/venv/bin/python install -qq --no-deps --no-build-isolation --editable .
	@touch $@

mutants: install $(MUTATION_INSTALLED) ## Change the code in small ways and list what no test notices
	@PYTHONPATH=tests $(VPYTHON) -m mutation.run $(foreach each,$(MODULE),'$(each)') \
	    $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(MOST),--most $(MOST)) $(if $(JOBS),--jobs $(JOBS))

$(MUTATION_INSTALLED): requirements/mutation.txt | install
	@echo 'Installing what makes the mutants into $(MUTATION) ...'
	@$(VPYTHON) -m venv --clear --without-pip $(MUTATION)
	@$(PIP) --python $(MUTATION)/bin/python install -qq --require-hashes \
	    --requirement requirements/mutation.txt
	@touch $@

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

released: install ## Record the schemas of a release, which later ones have to accept as much as
	@PYTHONPATH=tests $(VPYTHON) tests/support/evolution.py

golden: install ## Write the files that the tests compare the interface and the output with
	@PYTHONPATH=tests $(VPYTHON) tests/support/goldens.py

site: $(SITE_INSTALLED) ## Build the documentation site into build/site/html
	@node $(SITE)/diagrams.mjs $(wildcard docs/*.md docs/gateway/*.md)
	@$(SITE)/venv/bin/sphinx-build -q -W --keep-going -c docs/site -d $(SITE)/doctrees . $(SITE)/html
	@echo 'The site is in $(SITE)/html: $(VPYTHON) -m http.server --directory $(SITE)/html'

# Of the package that draws diagrams, the site has what a browser loads.
$(SITE_INSTALLED): requirements/site.txt docs/site/package-lock.json docs/site/diagrams.mjs | install
	@echo 'Installing the generator of the site into $(SITE) ...'
	@rm -rf $(SITE) && mkdir -p $(SITE)/static/chunks
	@$(VPYTHON) -m venv --without-pip $(SITE)/venv
	@$(PIP) --python $(SITE)/venv/bin/python install -qq --require-hashes \
	    --requirement requirements/site.txt
	@cp docs/site/package*.json docs/site/diagrams.mjs $(SITE)/
	@npm ci --prefix $(SITE) --no-audit --no-fund --silent --ignore-scripts
	@cd $(SITE)/node_modules/mermaid/dist && \
	    cp mermaid.esm.min.mjs ../../../static/ && \
	    cp -r chunks/mermaid.esm.min ../../../static/chunks/
	@rm -f $(SITE)/static/chunks/*/*.map
	@touch $@

dist: install ## Build the archives of a release into dist/, check them and try them out
	@$(VPYTHON) tests/support/dist.py

bench: install $(PEERS_INSTALLED) ## Measure beside the peers and write docs/performance.md
	@echo '== building the package for $(PEERS)'
	@rm -rf build/bench && mkdir -p build
	@$(VPYTHON) -m build --no-isolation --outdir build/bench > build/bench.log 2>&1 || \
	    { cat build/bench.log >&2; exit 1; }
	@$(PIP) --python $(PEERS)/bin/python install -qq --force-reinstall --no-deps build/bench/*.whl
	@$(PEERS)/bin/python -m compileall -q $(PEERS)/lib
	@for question in $(QUESTIONS); do \
	    echo "== $$question"; \
	    $(PEERS)/bin/python benchmarks/$$question.py $(if $(QUICK),--quick); \
	done
	@echo '== targets'
	@$(PEERS)/bin/python benchmarks/page.py $(if $(QUICK),--quick)

# Without pip in it, so that the bare interpreter that commands are compared with is bare.
$(PEERS_INSTALLED): requirements/benchmarks.txt benchmarks/node/package-lock.json | install
	@echo 'Installing the peers into $(PEERS) ...'
	@$(VPYTHON) -m venv --clear --without-pip $(PEERS)
	@$(PIP) --python $(PEERS)/bin/python install -qq --require-hashes \
	    --requirement requirements/benchmarks.txt
	@if command -v npm > /dev/null; then \
	    npm ci --prefix benchmarks/node --no-audit --no-fund --silent; \
	else \
	    echo 'Node is not installed: ajv is left out'; \
	fi
	@touch $@

bench-guard: install ## Count instructions of fixed workloads and compare with what is stored
	@$(VPYTHON) benchmarks/guard.py $(if $(UPDATE),--update)

bench-gateway: install ## Measure what the gateway plugin adds and write docs/gateway/performance.md
	@$(VPYTHON) benchmarks/gateway.py $(if $(QUICK),--quick)

bench-sizing: install ## Measure memory, room in the stores and the cost of more workers
	@PYTHONPATH=tests $(VPYTHON) benchmarks/sizing.py $(if $(QUICK),--quick)

fleet: install ## Restart two machines and fail over Valkey under load, and count what is lost
	@PYTHONPATH=tests $(VPYTHON) benchmarks/fleet.py $(if $(QUICK),--quick)

bench-attacks: install ## Measure how light updates fare while others send what costs most
	@$(VPYTHON) benchmarks/attacks.py $(if $(QUICK),--quick)

bench-lookup: install ## Measure what look-ups add, for docs/gateway/lookup.md
	@$(VPYTHON) benchmarks/lookup.py $(if $(QUICK),--quick)

bench-bounds: install ## Measure bytes per second and memory per byte of the worst payloads
	@$(VPYTHON) benchmarks/bounds.py

bench-spark: $(SPARK_INSTALLED) ## Measure Spark beside the command
	@$(SPARK)/bin/python benchmarks/spark.py $(if $(QUICK),--quick)

clean: ## Remove what the other targets made
	@rm -rf $(VENV) $(PEERS) benchmarks/node/node_modules build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find validator schemas tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
