# make run | test | check | bench | screenshots   (docs/contributors/index.md says more)
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
export HOST ?= 127.0.0.1
export PORT ?= 8000
SOURCES := $(shell find static/src static/build.mjs -type f 2>/dev/null)
CATALOG := forum_app/translations/ja/LC_MESSAGES/messages.mo
BUILT := .venv/runtime static/dist/manifest.json $(CATALOG)

.PHONY: run test check bench screenshots build catalogs wheel clean-static

# ------------------------------------------------------------------ what everything needs
.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv

.venv/runtime: .venv/bin/python requirements.lock setup.cfg
	mkdir -p static/dist  # a package of the wheel, which the editable installation looks for
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

.venv/development: .venv/runtime requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	touch $@

# Node builds the style and scripts; where a machine has none, a Python package brings it.
node_modules/.installed: package.json package-lock.json | .venv/runtime
	.ci/npm ci --ignore-scripts --no-audit --no-fund
	touch $@

static/dist/manifest.json: node_modules/.installed $(SOURCES)
	.ci/npm run --silent build

$(CATALOG): $(wildcard forum_app/translations/ja/*.po) .ci/translations.py | .venv/runtime
	$(BIN)/python .ci/translations.py compile

build: $(BUILT)
catalogs: $(CATALOG)

# ------------------------------------------------------------------ use
run: $(BUILT)
	@$(BIN)/forum seed demo --first --upgrade
	@FORUM_BASE_URL="$${FORUM_BASE_URL:-http://$(HOST):$(PORT)}" PATH="$(CURDIR)/$(BIN):$$PATH" \
		$(BIN)/honcho start --port $(PORT)

# ------------------------------------------------------------------ development
test: $(BUILT) .venv/development
	.ci/browser
	# the product is started a hundred times: compiled once, whatever the environment says
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n auto

check: $(BUILT) .venv/development
	$(BIN)/ruff check forum_app tests bench migrations .ci wsgi.py
	$(BIN)/ruff format --check forum_app tests bench migrations .ci wsgi.py
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/python .ci/translations.py check
	.ci/drift

bench: $(BUILT) .venv/development
	$(BIN)/python -m bench $(ONLY) $(if $(B2B),--instances $(B2B))

screenshots: $(BUILT) .venv/development
	.ci/browser
	$(BIN)/python -m bench.screenshots docs/img

wheel: $(BUILT) .venv/development
	rm -rf build
	$(BIN)/python -m build --wheel --outdir dist
