# Two commands are enough: `make demo` shows what moodline does, `make test` shows that it works.
PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: demo test lint install lock clean

demo: install
	dvc repro
	moodline summary

test: install
	pytest

lint: install
	ruff format --check .
	ruff check .
	mypy

install: $(VENV)/installed

# Bytecode is compiled here once, so that no stage waits for it.
$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	pip install --quiet --disable-pip-version-check uv
	uv pip install --quiet --python $(VENV)/bin/python --compile-bytecode --require-hashes -r requirements.lock
	uv pip install --quiet --python $(VENV)/bin/python --no-deps --editable .
	touch $@

lock: ## after a change of dependencies in pyproject.toml
	uv pip compile --quiet --universal --extra dev --generate-hashes --no-emit-index-url --no-header \
		--no-annotate pyproject.toml --output-file requirements.lock

clean:
	rm -rf $(VENV)
