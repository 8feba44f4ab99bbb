# Bare `make` prints the targets below. Each set-up step runs only when its inputs have changed.
.DEFAULT_GOAL := help
.PHONY: help up test e2e check audit docs format lock bench client clean python-version node-version

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

HAS_DASHBOARD := $(wildcard dashboard/package-lock.json)
NODE_STAMP := $(if $(HAS_DASHBOARD),dashboard/node_modules/.installed)
DASHBOARD := $(if $(HAS_DASHBOARD),dashboard/dist/index.html)
DASHBOARD_FILES := $(shell find dashboard -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
NPM := npm --no-progress --no-audit --no-fund --no-update-notifier --loglevel=error
CLIENT := tests/end_to_end/client
CODE := api db dcm docs hooks workers wsbridge

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: $(RUN_STAMP) $(DASHBOARD) ## set up what is missing, run everything, Ctrl-C stops it
	@trap : INT; $(BIN)/dcm up || { code=$$?; test $$code -eq 130 || test $$code -eq 143; }

test: $(DEV_STAMP) $(DASHBOARD) ## every test that needs neither browser nor client
	$(BIN)/pytest -m "not e2e"
	$(if $(HAS_DASHBOARD),$(NPM) --prefix dashboard test)

e2e: $(DEV_STAMP) $(DASHBOARD) ## the tests with the real client and a real browser
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		{ echo "make e2e needs chromium: apt-get install chromium"; exit 1; }
	@command -v ip >/dev/null || { echo "make e2e needs ip: apt-get install iproute2"; exit 1; }
	@command -v tmux >/dev/null || { echo "make e2e needs tmux: apt-get install tmux"; exit 1; }
	@ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1 || \
		{ echo "make e2e needs libfaketime: apt-get install libfaketime"; exit 1; }
	@test -x $(CLIENT)/node_modules/.bin/claude || \
		{ echo "make e2e needs the Claude Code client: make client"; exit 1; }
	$(BIN)/pytest -m e2e

check: $(DEV_STAMP) $(NODE_STAMP) ## format, lint, types, import contracts, weaknesses; of the dashboard too
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/bandit -q -c pyproject.toml -r $(CODE) 2>$(VENV)/.bandit.log || { cat $(VENV)/.bandit.log; exit 1; }
	$(if $(HAS_DASHBOARD),$(NPM) --prefix dashboard run lint)
	$(if $(HAS_DASHBOARD),$(NPM) --prefix dashboard run typecheck)

audit: $(DEV_STAMP) ## ask the indexes what is known against the packages in use
	$(BIN)/python .ci/audit.py

docs: $(DEV_STAMP) $(NODE_STAMP) ## write the pages and types that follow from the code
	$(BIN)/python -m api.reference
	$(BIN)/python -m dcm.cli.configuration --write
	$(BIN)/python docs/conformance.py
	$(BIN)/python -m api.reference --json > dashboard/node_modules/.openapi.json
	dashboard/node_modules/.bin/openapi-typescript dashboard/node_modules/.openapi.json > dashboard/src/api/schema.d.ts

format: $(DEV_STAMP) ## format the code and mend what the linter can
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: $(RUN_STAMP) ## measure the hot path
	$(BIN)/python bench/ingest.py

client: node-version ## install the Claude Code client that make e2e drives
	$(NPM) ci --prefix $(CLIENT)

lock: .tools/uv/bin/uv ## pin the dependencies of pyproject.toml anew
	$< pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		pyproject.toml --output-file requirements.lock
	$< pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--extra dev --constraint requirements.lock pyproject.toml --output-file requirements-dev.lock

clean: ## remove what make made; the data under DCM_HOME stays
	rm -rf $(VENV) .tools dashboard/node_modules dashboard/dist $(CLIENT)/node_modules *.egg-info \
		.mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python: | python-version
	@echo "Making the Python environment ..."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python has no venv module that works: apt-get install python3-venv"; exit 1; }

$(RUN_STAMP): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the Python packages (about 30 MB) ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps -e .
	@touch $@

$(DEV_STAMP): requirements-dev.lock $(RUN_STAMP)
	@echo "Installing the tools for development ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

dashboard/node_modules/.installed: dashboard/package-lock.json | node-version
	@echo "Installing the dashboard's packages ..."
	@# not `npm ci`: it refuses a lock that lacks the binaries of platforms its registry did not have
	@$(NPM) install --no-save --prefix dashboard >/dev/null
	@touch $@

dashboard/dist/index.html: $(DASHBOARD_FILES) $(NODE_STAMP)
	@echo "Building the dashboard ..."
	@$(NPM) --prefix dashboard run build >dashboard/node_modules/.build.log 2>&1 || \
		{ cat dashboard/node_modules/.build.log; exit 1; }
	@touch $@

.tools/uv/bin/uv: | python-version
	@$(PYTHON) -m venv .tools/uv
	@.tools/uv/bin/python -m pip --disable-pip-version-check --quiet install uv

python-version:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "DCM needs Python 3.11 or later as $(PYTHON): make PYTHON=/path/to/python3.11 ..."; exit 1; }

node-version:
	@command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || \
		{ echo "DCM needs Node 20 or later, with npm, to build its dashboard."; exit 1; }
