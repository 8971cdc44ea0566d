PYTHON ?= python3
BIN := .venv/bin
SCENARIO ?= scenarios/parcel_city.toml
JOBS ?= auto

.PHONY: demo test test-slow coverage lint types imports docs check-python clean help

help:
	@echo "make demo     install into .venv and run $(SCENARIO)"
	@echo "make test     install into .venv and run linter, type checker, import contracts and quick tests (JOBS=$(JOBS))"
	@echo "make test-slow the other tests: notebooks, browser, documentation, kills, a cluster, and whatever takes a second"
	@echo "make coverage all tests again, slower, with the lines they reach; fails below the threshold"
	@echo "make docs     the documentation as a site, into site/index.html; every warning and dead link is an error"
	@echo "make clean    remove .venv, caches, reports and the site"

demo: .venv/package.stamp
	$(BIN)/kanopt run $(SCENARIO) --report reports/$(basename $(notdir $(SCENARIO))).html

test: lint types imports
	$(BIN)/pytest -m "not slow" --numprocesses $(JOBS) --maxprocesses 8 --dist worksteal

test-slow: .venv/dev-slow.stamp
	$(BIN)/pytest -m slow --numprocesses $(JOBS) --maxprocesses 8 --dist worksteal

coverage: .venv/dev.stamp
	$(BIN)/pytest --numprocesses $(JOBS) --maxprocesses 8 --dist worksteal --cov --cov-report=term

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev.stamp
	$(BIN)/mypy

imports: .venv/dev.stamp
	$(BIN)/lint-imports

docs: .venv/docs.stamp
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --builder html --doctree-dir .venv/doctrees docs site

check-python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else "kanopt needs Python 3.11 or newer; this is %d.%d (set PYTHON=…)" % v[:2])'

.venv/bin/python: | check-python
	$(PYTHON) -m venv .venv

.venv/package.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/docs.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch .venv/package.stamp $@

.venv/dev-slow.stamp: .venv/dev.stamp
	$(BIN)/python -m pip install --quiet --editable '.[dev,browser]'
	@touch $@

.venv/dev.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch .venv/package.stamp .venv/docs.stamp $@

clean:
	rm -rf .venv reports site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage
