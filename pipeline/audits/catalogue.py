"""The catalogue: what each encoder is and needs, and what is known of each feature set.

No network is loaded, and none is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.audits.weights import locate_weights, name_weights
from pipeline.encoders.params import ENCODERS, FeatureParams, Reveals
from pipeline.encoders.shared.facts import find_facts, list_needs
from pipeline.errors import MoodlineError
from pipeline.modalities import MODALITIES, Modality
from pipeline.store.reader import FeatureStore, open_features

EVEN = 0.01
"""Rows whose distances differ by no more than this share have a rate."""


@dataclass(frozen=True)
class Member:
    """An encoder; `needs` is what it wants besides moodline itself.

    `reveals` is how far its rows can be turned back, by its default options.
    """

    name: str
    modalities: tuple[Modality, ...]
    licence: str
    needs: tuple[str, ...]
    reveals: Reveals | None


@dataclass(frozen=True)
class ListedSet:
    """A feature set; `row_shape` and `rate` are None where they are not known.

    `weights` says which they are and where: `acme/speech (Hub cache)`.
    """

    name: str
    encoder: str
    row_shape: tuple[int, ...] | None
    rate: str | None
    weights: str
    seen_corpora: tuple[str, ...]


def list_members() -> list[Member]:
    """All encoders, by name."""
    return [describe_member(name) for name in sorted(ENCODERS.members)]


def describe_member(name: str) -> Member:
    """What encoder `name` is; one that cannot be imported needs what its error says."""
    try:
        module = ENCODERS.load(name)
    except ImportError as error:
        return Member(name, (), "", (str(error),), None)
    modalities = tuple(known for known in MODALITIES if known in module.Encoder.modalities)
    params = ENCODERS.members[name].params
    licence = find_facts(module, params).licence
    reveals = params.model_construct(modality=modalities[0], encoder=name).reveals
    needs = tuple(list_needs(module, params))
    return Member(name, modalities, licence, needs, reveals)


def list_sets(features: Mapping[str, FeatureParams], folder: Path) -> list[ListedSet]:
    """All of `features`; `folder` holds those that were made."""
    return [_describe_set(name, params, folder / name) for name, params in features.items()]


def _describe_set(name: str, params: FeatureParams, path: Path) -> ListedSet:
    store = open_current(params, path)
    return ListedSet(
        name=name,
        encoder=params.encoder,
        row_shape=store.row_shape if store else _ask_shape(params),
        rate=measure_rate(store) if store else None,
        weights=describe_weights(params),
        seen_corpora=tuple(params.list_seen()),
    )


def describe_weights(params: FeatureParams) -> str:
    """Which weights a set needs, and whether they are on this machine."""
    if "weights" not in type(params).model_fields:
        return "none needed"
    for named in name_weights({"": params}).values():
        place = locate_weights(named)
        return f"{named.weights} ({place.kind if place else 'not here'})"
    return "the encoder's own, not looked for"


def open_current(params: FeatureParams, path: Path) -> FeatureStore | None:
    """Feature set at `path` if it is there, made with the options of `params` and their revision.

    Other weights of the same options are not told apart: that takes reading them.
    """
    if not (path / "store.json").is_file():
        return None
    store = open_features(path)
    recorded = store.provenance["settings"]
    options = type(params).model_fields.keys() - params.keyless
    wanted: dict[str, Any] = {
        **dict.fromkeys(options),
        **params.settings(),
        "revision": getattr(params, "revision", None),
    }
    return store if all(recorded.get(name) == wanted[name] for name in wanted) else None


def measure_rate(store: FeatureStore) -> str | None:
    """Rate of the rows of the clip that has most: `50 Hz`, `1 a clip`, `uneven`."""
    index, views = store.index, store.views
    rows = index.rows * [clip_id not in views for clip_id in index.clip_ids]
    if not rows.any():
        return None
    starts = store[index.clip_ids[int(rows.argmax())]].start_seconds
    if len(starts) == 1:
        return "1 a clip"
    steps = np.diff(starts)
    usual = float(np.median(steps))
    return (
        f"{1 / usual:.4g} Hz" if usual and (abs(steps - usual) <= EVEN * usual).all() else "uneven"
    )


def _ask_shape(params: FeatureParams) -> tuple[int, ...] | None:
    """Row shape by an encoder without weights; None for any other, and where it lacks a package."""
    if "weights" in type(params).model_fields:
        return None
    try:
        shape: tuple[int, ...] = ENCODERS.load(params.encoder).Encoder(params).row_shape
    except MoodlineError:
        return None
    return shape
