# Every target makes what it needs; a fresh machine needs Python 3.11 or later and make.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run pictures docs test sweep mutants lint types bench format clean

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes --requirement constraints.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q ccbill
	@touch $@

run: $(READY)  ## bill the sample practice and say where the workbooks are
	$(BIN)/ccbill run sample_data/activities.csv sample_data/encounters.csv \
	  --config sample_data/ccbill.toml --patients sample_data/patients.csv \
	  --staff sample_data/staff.csv --fees sample_data/fees.csv \
	  --no-ledger --today 2026-11-02 --out ccbill-out

pictures: $(READY)  ## make the README's pictures, with Chromium, LibreOffice and pdftoppm
	$(BIN)/python tests/pictures.py sample_data/pictures

docs: $(READY)  ## make the pages of reference that are made from the program
	$(BIN)/python tests/docs.py

test: $(READY)  ## run the tests
	$(BIN)/python -m pytest -n auto

sweep: $(READY)  ## run the long checks whole
	CCBILL_SWEEP=1 $(BIN)/python -m pytest -m sweep -n 2

mutants: $(READY)  ## change the rules' code and values one by one, and see whether tests notice
	$(BIN)/python tests/mutants.py

lint: $(READY)  ## check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## check types
	$(BIN)/mypy

bench: $(READY)  ## time ccbill beside other scripts (ROWS=1000000 for one size alone)
	$(PIP) --upgrade 'pip>=25.1'
	$(PIP) --group bench
	$(BIN)/python -m compileall -q ccbill
	PYTHONPATH=tests $(BIN)/python -m bench $(foreach rows,$(ROWS),--rows $(rows)) --table bench.md --chart bench.svg

format: $(READY)  ## rewrite the code in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove what the other targets made
	rm -rf $(VENV) ccbill-out bench.md bench.svg build dist *.egg-info
