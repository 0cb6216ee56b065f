"""Imports: packages that want everything there is, kept from it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import cast

from lightning_utilities.core import imports


@contextmanager
def leave_out(*packages: str) -> Iterator[None]:
    """Within this, torchmetrics takes `packages` for not installed.

    Lightning imports all of torchmetrics, and torchmetrics, for metrics of texts and pictures,
    whatever of transformers, torchvision and scipy is there: more than half of the time that
    Lightning takes to import, in every head that is trained. What is imported already stays, and
    so does what torchmetrics has concluded.
    """
    absent = [package for package in packages if package not in sys.modules]

    def find_version(distribution_name: str) -> str:
        if distribution_name in packages:
            raise PackageNotFoundError(distribution_name)
        return version(distribution_name)

    sys.modules.update(dict.fromkeys(absent, cast(ModuleType, None)))  # as Python marks absence
    imports._version = find_version  # type: ignore[attr-defined]
    try:
        yield
    finally:
        imports._version = version  # type: ignore[attr-defined]
        imports.package_available.cache_clear()
        for package in absent:
            del sys.modules[package]
