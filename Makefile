# Two commands are enough: `make demo` shows what moodline does, `make test` shows that it works.
PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

# Every stage is a process of a few seconds: none should compile what the one before it did.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test runs faults fuzz audit lint install lock

demo: install ## the whole pipeline on the demo corpus, then a table of the heads
	dvc repro
	moodline summary

test: install ## the test suite
	pytest -n auto --maxprocesses 4

runs: install ## whole runs by DVC: what reruns when something changes, clones that share a remote, queues, a cluster
	pytest -n auto --maxprocesses 4 -m runs

faults: install ## runs killed, stopped, edited, starved of disk space and met by others at random, hundreds of times
	MOODLINE_FAULTS=100 pytest -m '' tests/test_faults.py tests/test_campaigns.py tests/engines/test_local.py

fuzz: install ## 5,000 damaged films (MOODLINE_FUZZ=2000-2500 for some), ten minutes of changes to each other file
	MOODLINE_FUZZ=$${MOODLINE_FUZZ:-0-5000} pytest -n0 --timeout=0 tests/test_fuzz.py
	MOODLINE_FUZZ_MINUTES=$${MOODLINE_FUZZ_MINUTES:-10} pytest -m '' -n auto --dist=load --timeout=0 tests/test_fuzz_readers.py

audit: install ## known vulnerabilities of the pinned packages, of which PyPI is asked
	uv tool run pip-audit --disable-pip --no-deps --requirement requirements.lock

lint: install ## formatting, rules and types
	ruff format --check .
	ruff check .
	mypy

install: $(VENV)/installed ## .venv from requirements.lock, and git told how to merge dvc.lock
	@if git rev-parse --git-dir >/dev/null 2>&1; then \
		git config merge.moodline.name "dvc.lock, entry by entry" && \
		git config merge.moodline.driver "$(VENV)/bin/moodline merge %O %A %B %P"; fi

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("moodline needs Python 3.11 or newer, found %d.%d.%d; name one: make install PYTHON=python3.11" % sys.version_info[:3])'
	$(PYTHON) -m venv $(VENV)
	pip install --quiet --disable-pip-version-check uv
	uv pip install --quiet --python $(VENV)/bin/python --compile-bytecode --require-hashes -r requirements.lock
	uv pip install --quiet --python $(VENV)/bin/python --no-deps --editable .
	touch $@

lock: ## requirements.lock anew, one version for all Pythons, after a change of dependencies
	uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
		--extra dev --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml \
		--output-file requirements.lock
