# Two commands do all the set-up on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCKS := requirements/base.txt requirements/build.txt requirements/tests.txt
WEB := $(shell find maps/web -path '*/node_modules' -prune -o -type f -print 2>/dev/null)

# Real layers for tests and benchmarks; without them those tests are skipped and say so.
WEIGE_TEST_DATA ?= $(wildcard ../shared/data)
# The generator and scorer of benchmark cities, likewise.
WEIGE_YARDSTICK ?= $(wildcard ../shared/bench)
export WEIGE_TEST_DATA WEIGE_YARDSTICK

.PHONY: demo test check lint types unit coverage web system lock clean

demo: $(VENV)/.installed
	$(BIN)/weige demo -o weige-demo

test: system lint types unit

# --- environment -------------------------------------------------------------------------------------

$(VENV)/bin/pip:
	$(PYTHON) -m venv $(VENV)

# Locked and hashed; the index is whatever the machine has configured.
$(VENV)/.base: requirements/build.txt | $(VENV)/bin/pip
	$(BIN)/pip install -qq --require-hashes -r requirements/build.txt
	touch $@

$(VENV)/.installed: $(VENV)/.base pyproject.toml hatch_build.py $(WEB)
	$(BIN)/pip install -qq --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.tests: requirements/tests.txt $(VENV)/.installed
	$(BIN)/pip install -qq --require-hashes -r requirements/tests.txt
	touch $@

# PostGIS, Chromium and a Chinese font: installed through apt where that is allowed, else named.
system:
	sh tests/system.sh

# --- checks --------------------------------------------------------------------------------------------

lint: $(VENV)/.tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.tests
	$(BIN)/mypy

unit: $(VENV)/.tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup --durations 30 --durations-min 10

# Which lines no test runs: apart, since counting makes the tests take three times as long.
coverage: $(VENV)/.tests
	$(BIN)/coverage erase
	$(BIN)/python -m pytest -n 2 --dist loadgroup --cov

LOCK := uv pip compile --universal --no-strip-extras --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --no-header --no-annotate

# Extras stay in the lock (`coverage[toml]==…`): pip takes a pin without them for another package and then
# asks for a newer release, which has no hash here.
lock:
	$(LOCK) pyproject.toml -o requirements/base.txt
	$(LOCK) pyproject.toml --extra server -c requirements/base.txt -o requirements/server.txt
	$(LOCK) pyproject.toml --group build -c requirements/base.txt -o requirements/build.txt
	$(LOCK) pyproject.toml --extra server --extra cluster --group build --group tests -c requirements/build.txt \
	  -c requirements/server.txt -o requirements/tests.txt

clean:
	rm -rf $(VENV) maps/static maps/web/node_modules weige-demo dist
