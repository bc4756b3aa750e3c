# make up      a living district on this machine: http://127.0.0.1:8080   (make up ARGS="--scenario gas-leak")
# make test    all checks and all tests
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.PHONY: help
help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 12

.PHONY: up
up: .venv/.runtime ## run everything on this machine; options by ARGS="..."
	@$(BIN)/vitals up $(ARGS)

# Servers and clocks make most tests wait: two files at once take little longer than one.
SIDE_BY_SIDE := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: test
test: .venv/.dev check-services lint ## lint, then all tests; options of pytest by ARGS="..."
	@$(BIN)/pytest $(SIDE_BY_SIDE) $(ARGS)

FAULTS = $(BIN)/pytest tests/faults $(SIDE_BY_SIDE) $(ARGS)

.PHONY: faults
faults: .venv/.dev faults-services ## the fault suite, in under 30 minutes; SHORT=1 in under 6
	@VITALS_REQUIRE_SERVICES=1 VITALS_FAULTS=$(if $(SHORT),short,normal) $(FAULTS)

.PHONY: faults-long
faults-long: .venv/.dev faults-services ## the fault suite with 200 kills and full outages: hours
	@VITALS_REQUIRE_SERVICES=1 VITALS_FAULTS=long $(FAULTS)

.PHONY: soak
soak: .venv/.dev services ## faults at random: MINUTES=120 SEED=7
	@VITALS_SOAK_MINUTES=$(or $(MINUTES),10) $(if $(SEED),VITALS_SOAK_SEED=$(SEED)) $(BIN)/pytest -s tests/faults/soak.py

.PHONY: bench-detection
bench-detection: .venv/.dev ## detectors on recorded data (VITALS_TEST_DATA) and their speed, in some minutes
	@$(BIN)/python -m tests.benchmarks.detection

.PHONY: lint
lint: .venv/.dev ## ruff, mypy, import-linter
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || { echo "run 'make format'"; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: format
format: .venv/.dev ## lay the code out, and mend what can be mended
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format

.PHONY: services
services: ## Apache Kafka and InfluxDB into .tools/
	@VITALS_REQUIRE_SERVICES=1 deploy/local/services.sh kafka influxdb

.PHONY: faults-services
faults-services:
	@VITALS_REQUIRE_SERVICES=1 deploy/local/services.sh kafka influxdb mosquitto

.PHONY: check-services
check-services:
	@deploy/local/services.sh

.PHONY: lock
lock: .venv/.dev ## remake requirements*.txt from pyproject.toml; UPGRADE=--upgrade takes the newest
	@$(LOCK) $(UPGRADE) --build-deps-for editable --output-file requirements.txt pyproject.toml
	@$(LOCK) $(UPGRADE) --build-deps-for editable --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml

.PHONY: clean
clean: ## remove what make made here
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

.venv/bin/python:
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or newer is missing: install it"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: make PYTHON=..."; exit 2; }
	$(PYTHON) -m venv .venv

.venv/.runtime: requirements.txt pyproject.toml | .venv/bin/python
	@echo "installing what requirements.txt names"
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) --quiet install --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: requirements-dev.txt pyproject.toml | .venv/bin/python
	@echo "installing what requirements-dev.txt names"
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@$(PIP) --quiet install --no-deps --no-build-isolation -e .
	@touch $@ .venv/.runtime
