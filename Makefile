# Two commands: `make demo` and `make test`. Both set everything up first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-slow test-portable check docs vendor golden clean
.DEFAULT_GOAL := help

help:
	@echo "make demo       train a GAN on built-in digits (two or three minutes) and print where the report is"
	@echo "make test       lint, types and the test suite"
	@echo "make test-slow  the truths that take longer"
	@echo "make test-portable  golden and closed-form tests under each instruction set, in turn"
	@echo "make docs       write the tables of the docs from bench/results, and docs/cli.md"
	@echo "make vendor     fetch what the tests in a browser need (npm), and check it"
	@echo "make golden     write the golden loss curves anew (say why in the commit)"

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ganwerk needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(READY)

demo: $(READY)
	$(BIN)/ganwerk demo

check: $(READY)
	$(BIN)/ruff check src tests bench
	$(BIN)/ruff format --check src tests bench
	$(BIN)/mypy

# Each test computes with one thread, so the suite takes as many processes as there are cores. The
# pages come last and alone: they are watched by the clock, and share one server and one browser.
test: check
	$(BIN)/python -m pytest -m "not slow and not browser" --numprocesses auto --maxprocesses 8 --dist loadfile
	$(BIN)/python -m pytest -m "browser and not slow"

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow --timeout 7200

test-portable: $(READY)
	$(BIN)/python -m tests.golden.kernels

docs: $(READY)
	$(BIN)/python -m bench.document
	$(BIN)/python -m bench.doctor.document
	$(BIN)/python -m ganwerk.cli.document

vendor: $(READY)
	$(BIN)/python -m tests.publish.vendor

golden: $(READY)
	$(BIN)/python -c 'from tests.golden.figures import write; write()'

clean:
	rm -rf $(VENV)
