"""Making: rows of new media, by exactly what made those that the head was trained on."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pipeline.audits.differences.settings import compare_provenance
from pipeline.cleaning.params import CleanParams
from pipeline.cleaning.sound import UnusableError, clean_corpus, describe_sound
from pipeline.encoders.params import FeatureParams, ImportedParams
from pipeline.errors import ParamsError, StoreError
from pipeline.extraction.feature_sets import extract_features
from pipeline.extraction.source import Source
from pipeline.faces import GIVEN
from pipeline.faces.params import EVERYONE, FacesParams
from pipeline.faces.searching import resolve_detector
from pipeline.faces.stores import describe_crops, pack_faces
from pipeline.faces.tables import FACE_SCHEMA
from pipeline.heads.inputs import JointParams
from pipeline.heads.recipes import Recipe
from pipeline.labels.clips import CLEAN_SCHEMA, Clip, read_clips
from pipeline.media.sampling import SAMPLED
from pipeline.modalities import Modality
from pipeline.params import Params
from pipeline.predictor.people import Person, list_people, part_people
from pipeline.predictor.slicing import slice_media
from pipeline.predictor.timing import Timing
from pipeline.store.joint import join_sets
from pipeline.store.reader import open_media
from pipeline.words.params import TranscribeParams
from pipeline.words.transcripts import transcribe_corpus

Device = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class Running:
    """How rows are made, where that is not as the head's recipe has it; no row depends on it.

    But for `detector`, which finds the faces in place of the recipe's own, `per_clip`: so many
    frames of each clip are looked at, evenly spread over the middle of it, and `everyone`: whether
    each person seen is answered for, not whom the recipe chooses.
    """

    device: Device | None = None
    batch: int | None = None
    detector: str | None = None
    per_clip: int | None = None
    everyone: bool = False


AS_TRAINED = Running()

MIDDLE_SHARE = 0.6
"""Of a clip, where so many frames of it are asked for: actors begin and end with a neutral face. As
the RAVDESS test of Nurikman's SOTA_emotion_recognition has it."""


@dataclass(frozen=True)
class Making:
    """What makes the rows that a head reads; `provenances` is set → that of the head's own."""

    clean: CleanParams
    faces: FacesParams
    transcribe: TranscribeParams
    features: Mapping[str, FeatureParams]
    joint: Mapping[str, JointParams]
    provenances: Mapping[str, Mapping[str, Any]]
    given_detector: bool = False
    given_sampling: bool = False
    everyone: bool = False

    @classmethod
    def of(cls, recipe: Recipe, params: Params, running: Running = AS_TRAINED) -> "Making":
        """What made the rows of the head with this recipe, run as `running` has it.

        `params` are the sections behind it. Raises ParamsError where they need what its corpora
        alone have.
        """
        made = cls(
            clean=_keep_all(params.clean),
            faces=params.faces.model_copy(update={"allowed_share": 1.0}),
            transcribe=params.transcribe,
            features={name: _lift_ceilings(set_) for name, set_ in params.features.items()},
            joint=params.joint,
            provenances={source.name: source.provenance for source in recipe.inputs.values()},
        )
        return _run_as(made, running, recipe.head)

    @property
    def modalities(self) -> frozenset[Modality]:
        """What the head reads."""
        return frozenset(set_.modality for set_ in self.features.values())

    @property
    def packed(self) -> list[str]:
        """Stores of media that `make_rows` packs, and whose ledgers say what it found.

        Others in their folder are of a head that had the same name.
        """
        faces = ["face"] if self.modalities & {"face", "scene"} else []
        people = ["people"] if self.everyone else []
        return ["audio", *faces, *people, *(["text"] if "text" in self.modalities else [])]

    def locate(self, data: Path, modality: Modality) -> Path:
        """The store in the folder `data` that rows of a modality are made of."""
        return data / ("people" if self.everyone and modality == "face" else modality)

    def list_people(self, data: Path, clip_ids: Iterable[str]) -> dict[str, list[Person]]:
        """Clip → who is answered for in it, by what `make_rows` packed in the folder `data`."""
        return list_people(clip_ids, open_media(data / "people") if self.everyone else ())

    def make_rows(
        self,
        clips: Sequence[Clip],
        folder: Path,
        work: Path,
        settle: Callable[[Sequence[Clip]], object] = lambda _: None,
    ) -> list[Clip]:
        """Feature sets of `clips` in `folder`/features; those of them that have media.

        Their media are packed in `folder`/data. What `work` holds already is not made again. Before
        anything is searched or encoded, `settle` is given the clips with media, and may raise.
        Raises StoreError where rows would be others than the head's own.
        """
        data, features = folder / "data", folder / "features"
        with suppress(UnusableError):
            clean_corpus(clips, self.clean, frozenset(clip.clip_id for clip in clips), data, work)
        usable = read_clips(data / "clips" / "clips.parquet", CLEAN_SCHEMA)
        settle(usable)
        if "face" in self.packed:
            pack_faces(usable, self.faces, data, work)
        if self.everyone:
            faces, tracks = open_media(data / "face", FACE_SCHEMA), open_media(data / "tracks")
            part_people(faces, tracks, data / "people", work)
        if "text" in self.packed:
            transcribe_corpus(usable, data / "audio", data / "text", work, self.transcribe)
        for name, params in self.features.items():
            check = partial(self._check_source, name)
            media = self.locate(data, params.modality)
            extract_features(params, media, features / name, work, check=check)
        for name in reversed([*self.joint]):  # a joint set comes before those that it holds
            join_sets(features / name, [self.joint[name].first, self.joint[name].second])
        return usable

    def make_around(
        self, parted: Mapping[str, Mapping[str, Timing]], folder: Path, work: Path
    ) -> Path:
        """Folder of feature sets of the stretches around the times of clips: `parted` is by set.

        The media of the clips are those that `make_rows` has packed in `folder`.
        """
        sliced = folder / "around"
        for name, timings in parted.items():
            params, media = self.features[name], sliced / "data" / name
            packed = open_media(self.locate(folder / "data", params.modality))
            slice_media(params.modality, packed, timings, media, work)
            extract_features(params, media, sliced / "features" / name, work)
        return sliced / "features"

    def _check_source(self, name: str, source: Source) -> None:
        self.check(name, source.provenance.to_json())

    def describe_media(self, modality: Modality) -> dict[str, Any]:
        """Provenance of what the encoders of a modality are given, where it is not read from files.

        Raises ParamsError as `resolve_detector` does.
        """
        if modality in ("face", "scene"):
            return describe_crops(resolve_detector(self.faces))[modality].to_json()
        return describe_sound(self.clean).to_json()

    def check(self, name: str, made: Mapping[str, Any]) -> None:
        """Raise StoreError unless rows `made` so are as the head's own of set `name` were."""
        own = self.provenances[name]
        if self.given_detector and self.features[name].modality == "face":
            return
        for change in compare_provenance(own, made):
            asked = self.everyone and (change.stage, change.path) == ("faces", "settings.choose")
            sampled = self.given_sampling and change.path.removeprefix("settings.") in SAMPLED
            if not change.path.startswith("views") and not sampled and not asked:
                then, now = change.texts
                raise StoreError(
                    f"features {name}: expected rows as the head was trained on, by "
                    f"{change.stage} with {change.path} {then}, got {now}; bring the same weights "
                    f"and the same version of moodline"
                )


def _keep_all(clean: CleanParams) -> CleanParams:
    """`clean`, for media that somebody named: none is too many, and none looked for a second."""
    checks = clean.checks.model_copy(update={"alike": "off", "doubled": "off"})
    return clean.model_copy(update={"allowed_share": 1.0, "checks": checks})


def _lift_ceilings(params: FeatureParams) -> FeatureParams:
    """`params` without limits to what one run encodes, and without augmented copies."""
    lifted = {"max_new_clips": None, "max_gb": None, "views": 0}
    return params.model_copy(update=lifted)


def refuse_imported(features: Mapping[str, FeatureParams], head: str) -> None:
    """Raise ParamsError where some of the sets that a head reads were made elsewhere."""
    imported = [name for name, set_ in features.items() if isinstance(set_, ImportedParams)]
    if imported:
        raise ParamsError(
            f"{head}: reads features {', '.join(imported)} that were imported, and what made them "
            f"is not here; train a head on sets that an encoder of moodline makes"
        )


def _run_as(made: Making, running: Running, head: str) -> Making:
    """`made`, run as `running` has it."""
    refuse_imported(made.features, head)
    detector = running.detector or made.faces.detector
    if detector == GIVEN and "face" in made.modalities:
        raise ParamsError(
            f"{head}: expected a detector that finds faces, for new media ship no crops of them, "
            f"got {GIVEN}; name a --detector, such as auto"
        )
    faces = made.faces
    if running.detector is not None:
        faces = faces.model_copy(update={"detector": running.detector, "weights": None})
    if running.per_clip is not None:
        sampling = {"rate_hz": None, "every": None, "middle_share": MIDDLE_SHARE}
        faces = faces.model_copy(update={**sampling, "per_clip": running.per_clip})
    everyone = running.everyone and "face" in made.modalities
    if everyone:
        faces = faces.model_copy(update={"choose": EVERYONE})
    runs = {"device": running.device, "batch": running.batch}
    asked = {name: value for name, value in runs.items() if value is not None}
    return replace(
        made,
        faces=faces.model_copy(update=asked),
        transcribe=made.transcribe.model_copy(update=asked),
        features={name: set_.model_copy(update=asked) for name, set_ in made.features.items()},
        given_detector=running.detector is not None,
        given_sampling=running.per_clip is not None,
        everyone=everyone,
    )
