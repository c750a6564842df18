# A fresh machine needs Python 3.11 or newer, git and make; everything else is installed below this folder.

PYTHON ?= python3
BIN := .venv/bin
# A uv of our own, so that nothing depends on what the machine happens to have.
UV := .uv/bin/uv
NODEPS := $(wildcard requirements-nodeps.lock)
COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11

export UV_PYTHON_DOWNLOADS := never
# The machine's own certificates: behind a company's proxy the ones that uv brings know nobody.
export UV_SYSTEM_CERTS := true
# The cache may lie on another disk than this folder; copying always works.
export UV_LINK_MODE := copy
# Compiled once: a command that compiles a thousand modules at each start takes twice as long.
export UV_COMPILE_BYTECODE := 1
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test lint faults lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: .venv/installed ## Run everything on this machine, with a Salesforce stand-in and example bookings
	@exec $(BIN)/instep demo

test: lint ## Check everything: style, walls, types, and then all tests
	$(BIN)/pytest -n auto

lint: .venv/installed-dev ## Check style (ruff), walls (import-linter) and types (mypy)
	$(BIN)/ruff check
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

faults: .venv/installed-dev ## Run the fault matrix and print its table
	$(BIN)/pytest -n auto -m fault

lock: .uv/installed ## Write the lock files anew from pyproject.toml
	printf 'uv\nhatchling\neditables\n' | $(COMPILE) -o requirements-build.lock -
	$(COMPILE) -o requirements.lock pyproject.toml
	$(COMPILE) -o requirements-dev.lock --group dev -c requirements.lock pyproject.toml

clean: ## Remove what was installed and cached here (no home and no database)
	rm -rf .venv .uv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis node_modules
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

.uv/installed: requirements-build.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Instep needs Python 3.11 or newer, and $(PYTHON) is older. Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo "$(PYTHON) lacks its venv module. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	rm -rf .uv
	$(PYTHON) -m venv .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.lock
	@touch $@

.venv/installed: requirements.lock pyproject.toml .uv/installed
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --build-constraints requirements-build.lock --no-deps -e .
	@touch $@

.venv/installed-dev: requirements-dev.lock $(NODEPS) .venv/installed
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
ifneq ($(NODEPS),)
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r $(NODEPS)
endif
	@touch $@
