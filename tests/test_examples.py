"""Examples in docstrings say what is so."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]

SHOWN = [
    ".".join(path.relative_to(PROJECT).with_suffix("").parts)
    for path in sorted((PROJECT / "pipeline").rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", SHOWN)
def test_examples_hold(name, monkeypatch):
    monkeypatch.chdir(PROJECT)
    failed, tried = doctest.testmod(import_module(name))
    assert tried > 0
    assert failed == 0
