"""Trials: what a sweep has a head read, and how each is asked of DVC as an experiment."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipeline.encoders.params import FeatureParams
from pipeline.errors import StoreError
from pipeline.heads.inputs import NO_FEATURES
from pipeline.heads.shared.params import HeadParams
from pipeline.modalities import MODALITIES
from pipeline.sections import parse_section
from pipeline.store.joint import read_joint
from pipeline.store.reader import FeatureStore, open_features

NO_JOINT: Mapping[str, Sequence[str]] = MappingProxyType({})


@dataclass(frozen=True)
class Source:
    """What a trial reads of a modality: a feature set, one layer of it, or a joint set.

    `place` is where the layer stands among those of the set, `layer` its number in params.yaml.
    """

    modality: str
    set: str
    place: int | None = None
    layer: int | None = None

    @property
    def name(self) -> str:
        """The set, with its layer: `whisper:3`."""
        return self.set if self.layer is None else f"{self.set}:{self.layer}"

    def narrow(self, store: FeatureStore) -> FeatureStore:
        """Of the opened set what the trial reads."""
        return store if self.place is None else store.take_layer(self.place)


@dataclass(frozen=True)
class Trial:
    """What a head reads, by modality, and the seed of its training."""

    sources: tuple[Source, ...]
    seed: int

    @property
    def name(self) -> str:
        """Its sources, the same for every seed: `hog + whisper:3`."""
        return " + ".join(source.name for source in self.sources)

    def fill(self, params: HeadParams) -> HeadParams:
        """`params` of the head that this trial makes."""
        given = params.model_dump(mode="json")
        sets = {source.modality: source.set for source in self.sources}
        given["inputs"] = {**dict.fromkeys(MODALITIES, NO_FEATURES), **sets}
        given["training"]["seed"] = self.seed
        return parse_section(type(params), given, f"heads.{self.name}")


def list_sources(
    features: Mapping[str, FeatureParams],
    folder: Path,
    joint: Mapping[str, Sequence[str]] = NO_JOINT,
) -> list[Source]:
    """Every feature set, every layer of those that hold several, and every set that is `joint`.

    `joint` has the members of each, in order. Raises StoreError for a set that is not in `folder`,
    or that joins others there.
    """
    alone = [
        source
        for name, params in features.items()
        for source in _list_layers(params.modality, name, _open(folder / name))
    ]
    return [*alone, *(_find_joint(folder / name, joint[name], features) for name in joint)]


def _find_joint(
    path: Path, members: Sequence[str], features: Mapping[str, FeatureParams]
) -> Source:
    _check_folder(path, f"join@{path.name}")
    found = list(read_joint(path).members)
    if found != list(members):
        raise StoreError(
            f"{path}: expected {', '.join(members)}, joined, as params.yaml has it, got "
            f"{', '.join(found)}; run `dvc repro join@{path.name}`"
        )
    return Source(features[members[0]].modality, path.name)


def _open(path: Path) -> FeatureStore:
    _check_folder(path, f"extract@{path.name}")
    return open_features(path)


def _check_folder(path: Path, stage: str) -> None:
    if not path.is_dir():
        raise StoreError(
            f"{path}: expected a feature set, found no folder; run `dvc repro {stage}` "
            f"or take it out of params.yaml"
        )


def _list_layers(modality: str, name: str, store: FeatureStore) -> Iterator[Source]:
    yield Source(modality, name)
    if store.shape.axes[0] == "layers":
        listed = store.provenance["settings"]["layer"]
        layers = listed if isinstance(listed, list) else range(store.shape.sizes[0])
        for place, layer in enumerate(layers):
            yield Source(modality, name, place, layer)


def try_alone(sources: Iterable[Source], seeds: Sequence[int]) -> list[Trial]:
    """A trial of each source by itself, with each seed."""
    return [Trial((source,), seed) for source, seed in product(sources, seeds)]


def try_fused(ranked: Sequence[Trial], seeds: Sequence[int]) -> list[Trial]:
    """Trials of every two or more modalities together, each with the source that is best alone.

    `ranked` are trials of one source, best first.
    """
    best: dict[str, Source] = {}
    for trial in ranked:
        (source,) = trial.sources
        best.setdefault(source.modality, source)
    ordered = [best[modality] for modality in MODALITIES if modality in best]
    return [
        Trial(sources, seed)
        for size in range(2, len(ordered) + 1)
        for sources in combinations(ordered, size)
        for seed in seeds
    ]


def list_overrides(trial: Trial, head: str, features: Mapping[str, FeatureParams]) -> list[str]:
    """What `dvc exp run --set-param` is to set of params.yaml, for `head` to be this trial.

    A layer becomes a feature set of its own, which is encoded again.
    """
    found = {f"heads.{head}.inputs.{modality}": NO_FEATURES for modality in MODALITIES}
    added: dict[str, Any] = {f"heads.{head}.training.seed": trial.seed}
    for source in trial.sources:
        name = source.set
        if source.layer is not None:
            name = f"{source.set}_{source.layer}"
            section = features[source.set].model_dump(mode="json", exclude_defaults=True)
            added[f"features.{name}"] = {**section, "layer": source.layer}
        found[f"heads.{head}.inputs.{source.modality}"] = name
    return [
        *(f"{key}={value}" for key, value in found.items()),
        *(f"++{key}={_write_value(value)}" for key, value in added.items()),
    ]


def _write_value(value: Any) -> str:
    """`value` as DVC's `--set-param` takes it, which is Hydra's: keys of maps without quotes."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_write_value(inner)}' for key, inner in value.items())}}}"
    return json.dumps(value)
