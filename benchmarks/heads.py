"""Heads that benchmarks train or try."""

from collections.abc import Collection

from pipeline.heads.inputs import NO_FEATURES
from pipeline.heads.params import HEADS
from pipeline.heads.shared.params import HeadParams
from pipeline.modalities import MODALITIES
from pipeline.sections import parse_section


def choose_params(kind: str, modalities: Collection[str] = (), **options: object) -> HeadParams:
    """A head of `kind` on `emotion`, at its defaults but for `options`.

    It reads the feature sets that are called as their `modalities`; without any, trials fill its
    inputs in.
    """
    inputs = {name: name if name in modalities else NO_FEATURES for name in MODALITIES}
    given = {"kind": kind, "inputs": inputs, "targets": ["emotion"], **options}
    return parse_section(HEADS.find(kind).params, given, "head")
