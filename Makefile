# integstat: every target sets up what it needs. Only git, make and some Python 3 with venv and pip are taken for granted.
SHELL := /bin/bash
.DEFAULT_GOAL := help
STAMP := .venv/.stamp
BIN := .venv/bin
export UV_SYSTEM_CERTS := 1
export UV_NO_CONFIG := 1
unexport VIRTUAL_ENV PYTHONPATH

.PHONY: help setup demo test slow validate lint format lock clean

help:
	@printf 'make demo    set up, simulate a ring of fictional cities, run everything, leave results/demo/report.html\n'
	@printf 'make test    set up and run the tests\n'
	@printf 'make slow    the validation that takes long: engines against each other, coverage on simulated rings\n'
	@printf 'make validate rings simulated from the model and beside it, held against their truth (hours)\n'
	@printf 'make lint    ruff, mypy, import-linter\n'
	@printf 'make format  let ruff format the code\n'
	@printf 'make lock    renew requirements.lock\n'
	@printf 'make clean   remove the environment and all results\n'

setup: $(STAMP)

$(STAMP): requirements.lock .python-version pyproject.toml | .uv/uv
	@bash .ci/make-venv .uv/uv .venv
	@touch $@

.uv/uv:
	@bash .ci/find-uv .uv

demo: setup
	@$(BIN)/integstat demo --out results/demo --force

test: setup
	@$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile

slow: setup
	@$(BIN)/python -m pytest -m slow

validate: setup
	@$(BIN)/integstat validate --scenario all --out results/validation

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

format: setup
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

lock: .uv/uv
	@.uv/uv pip compile pyproject.toml --extra dev --universal --python-version 3.12 --generate-hashes --no-header \
	  --no-annotate --no-emit-index-url --no-emit-find-links --upgrade --quiet -o requirements.lock

clean:
	@rm -rf .venv .uv results
