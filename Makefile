# make run | test | lint | bench | screenshots | setup. Each makes the machine ready on first use; stamps make the second start quick.

PYTHON ?= python3
BIN := .venv/bin
SET_UP := pyproject.toml .ci/set_up.py

.DEFAULT_GOAL := run
.PHONY: setup run test lint bench screenshots
.DELETE_ON_ERROR:

setup: .venv/.ready-test

.venv/.ready-%: $(SET_UP)
	@$(PYTHON) .ci/set_up.py $*

run: .venv/.ready-run
	@if $(BIN)/python -m app.display; then $(BIN)/chainrule; else \
	  echo "There is no display here, so the default preset plays without a window; the picture goes to out/first-light.png."; \
	  mkdir -p out; QT_QPA_PLATFORM=offscreen $(BIN)/chainrule first-light --out out/first-light.png; fi

lint: .venv/.ready-test
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo > .venv/imports.log || { cat .venv/imports.log; exit 1; }

test: lint
	@QT_QPA_PLATFORM=offscreen $(BIN)/pytest -q -n 2

bench: .venv/.ready-bench
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m tests.benchmarks

screenshots: .venv/.ready-run
	@for scheme in dark light; do \
	  QT_QPA_PLATFORM=offscreen $(BIN)/chainrule render xor --theme $$scheme --size 1920x1080 --iterations 150 --step 11 \
	    --out resources/screenshots/main-$$scheme.png || exit 1; done
