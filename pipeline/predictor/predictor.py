"""The predictor: a trained head, and all that brings new media into the form that it knows."""

import math
import os
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from pipeline.errors import CorpusError, StoreError
from pipeline.heads.building import load_heads
from pipeline.heads.recipes import Recipe
from pipeline.labels.clips import Clip
from pipeline.modalities import modality_of
from pipeline.predictor.answering import Answer, RowsMade, TrainedHead
from pipeline.predictor.bundles import find_bundle, open_bundle
from pipeline.predictor.curves import Span, name_person
from pipeline.predictor.encoding import HeldEncoder, hold_encoders
from pipeline.predictor.gathering import CORPUS, explain_text, gather_media
from pipeline.predictor.likeness import tell_unlike
from pipeline.predictor.making import AS_TRAINED, Making, Running
from pipeline.predictor.people import Person, share_answers
from pipeline.predictor.sharing import name_rows, name_slices
from pipeline.predictor.stream import HOP_SECONDS, Stream
from pipeline.predictor.tables import tabulate_people
from pipeline.predictor.timing import Spacing, Timing
from pipeline.presets.rebuilding import parse_sections
from pipeline.rows import Rows
from pipeline.store.ledger import read_ledger
from pipeline.store.reader import FeatureStore, MediaStore, open_features, open_media
from pipeline.windows.dataset import locate_inputs, open_inputs

TIMES = 2_000
"""Answers that a head gives together."""

FACES = ("seconds", "box", "track")
"""Columns of `data/face` that are told of: in a long film the crops would fill the memory."""


@dataclass(frozen=True)
class Told:
    """What is told of one clip: the `answer`, None where it has no media that can be used.

    `remarks` are what was found in them, `words` what is said, where the head reads that, and
    `unlike` sentences on where they are unlike what it was trained on. `person` is the first track
    of the one that is answered for, where all are who are seen, and None else; `faces` are the rows
    of FACES that it went by, `portrait` is the sharpest of their crops. `lost` are sentences on
    what was to be written of it, and could not.
    """

    clip: Clip
    remarks: Sequence[str]
    words: Sequence[Span]
    answer: Answer | None
    unlike: Sequence[str] = ()
    person: int | None = None
    faces: pa.Table | None = None
    portrait: bytes | None = None
    lost: Sequence[str] = ()

    @property
    def name(self) -> str:
        """What the medium is called, and its folder of results."""
        return self.clip.clip_id.removeprefix(f"{CORPUS}/")

    @property
    def who(self) -> str:
        """Whom it is told of, `person 2`; empty where people are not told apart."""
        return "" if self.person is None else name_person(self.person)


class AnyPredictor(ABC):
    """What tells of media that nobody has labelled: a trained head, or several as one.

    It is called for a list of rows: `Predictor.load("models/beit")("talk.mp4")`.
    """

    @property
    @abstractmethod
    def recipe(self) -> Recipe:
        """What it is called, what it reads, and how its answers are read."""

    @property
    @abstractmethod
    def window_seconds(self) -> float:
        """How long a stretch an answer goes by, unless told."""

    @property
    @abstractmethod
    def causal(self) -> bool:
        """Whether an answer goes by nothing that comes after it."""

    @abstractmethod
    def predict(
        self,
        clips: Sequence[Clip],
        folder: Path,
        work: Path,
        spacing: Spacing | None = None,
    ) -> Iterator[Told]:
        """What is told of each of `clips`, and person, in order; rows are made in `folder`.

        What `work` holds already is not made again.

        Answers follow each other as `space` has it, unless told. Raises CorpusError where none has
        media that can be used, ParamsError as `lay_times` does, StoreError as `make_rows` does.
        """

    @abstractmethod
    def stream(
        self, hz: int | None = None, *, window: float | None = None, hop: float = HOP_SECONDS
    ) -> Stream:
        """What takes frames, and sound of so many `hz`, and answers every `hop` seconds.

        Each answer goes by the `window` seconds before it, as `space` has it unless told. Raises
        ParamsError where there can be none.
        """

    def space(
        self,
        window: float | None = None,
        hop: float | None = None,
        every: int = 10,
        faces: int | None = None,
    ) -> Spacing:
        """How answers follow each other: each goes by `window_seconds`, unless told."""
        return Spacing(window or self.window_seconds, hop, every, faces)

    def __call__(self, medium: Path | str, spacing: Spacing | None = None) -> list[dict[str, Any]]:
        """Rows of `tabulate_people` for one file; none where there is nothing to go by.

        Raises as `tell` does.
        """
        told = self.tell_people(medium, spacing)
        answers = [one.answer for one in told if one.answer is not None]
        return tabulate_people(answers, self.recipe.emotions).to_pylist() if answers else []

    def tell(self, medium: Path | str, spacing: Spacing | None = None) -> Told:
        """What is told of one file, or of the first person in it; raises as `tell_people` does."""
        return self.tell_people(medium, spacing)[0]

    def tell_people(self, medium: Path | str, spacing: Spacing | None = None) -> list[Told]:
        """What is told of one file, of each person in it where everyone is answered for.

        What was made on the way is not kept. Answers follow each other as `space` has it. Raises
        MoodlineError as `predict` does, and CorpusError for a folder or a pattern.
        """
        if not os.path.isfile(medium):
            raise CorpusError(f"{medium}: expected a file, got none or several; name one")
        with TemporaryDirectory(prefix="moodline-") as name:
            made, parts = Path(name, "made"), Path(name, "parts")
            clips = gather_media([str(medium)])
            return list(self.predict(clips, made, parts, spacing))


@dataclass(frozen=True)
class Predictor(AnyPredictor):
    """A trained head, for media that nobody has labelled.

    What its encoders need is found as in training: in a folder of weights, a package, or the cache
    of the Hub; or in the head's bundle. Rows are made by its recipe, and refused where they would
    be others.
    """

    head: TrainedHead
    making: Making

    @classmethod
    def load(cls, folder: Path | str, running: Running = AS_TRAINED) -> "Predictor":
        """The head in `folder`, such as `models/beit`, run as `running` has it.

        Raises StoreError for a folder of no head, ParamsError as `Making.of` does.
        """
        recipe, params, heads = load_heads(Path(folder))
        making = Making.of(recipe, parse_sections(Path(folder), recipe), running)
        return cls(TrainedHead(recipe, params, heads), making)

    @classmethod
    def from_pretrained(
        cls, source: Path | str, revision: str | None = None, running: Running = AS_TRAINED
    ) -> "Predictor":
        """The head in the bundle `source`: a folder, or a repository of the Hub at `revision`.

        Weights are the bundle's own; those that were left out are found as `load` finds them.
        Raises StoreError for what is no bundle, ParamsError for weights that are not there.
        """
        folder = find_bundle(source, revision)
        bundle = open_bundle(folder)
        recipe, params, heads = load_heads(folder)
        making = Making.of(recipe, parse_sections(folder, recipe), running)
        return cls(TrainedHead(recipe, params, heads), bundle.lead(making, folder))

    @property
    def recipe(self) -> Recipe:
        """The head's."""
        return self.head.recipe

    @property
    def window_seconds(self) -> float:
        """As long as windows in training, or 1 s."""
        return self.head.params.windows.seconds or 1.0

    @property
    def causal(self) -> bool:
        """As in training."""
        return self.head.params.windows.causal

    @cached_property
    def encoders(self) -> dict[str, HeldEncoder]:
        """Encoders of what it sees and hears, in memory; raises as `hold_encoders` does."""
        return hold_encoders(self.recipe, self.making)

    def stream(
        self, hz: int | None = None, *, window: float | None = None, hop: float = HOP_SECONDS
    ) -> Stream:
        """As `AnyPredictor` has it; raises as `hold_encoders` does."""
        return Stream(
            self.head,
            self.making,
            self.encoders,
            window_seconds=self.window_seconds if window is None else window,
            hop_seconds=hop,
            hz=hz,
        )

    def predict(
        self,
        clips: Sequence[Clip],
        folder: Path,
        work: Path,
        spacing: Spacing | None = None,
    ) -> Iterator[Told]:
        """As `AnyPredictor` has it."""
        laid = dict[str, Timing]()

        def settle(found: Sequence[Clip]) -> None:
            own = spacing or self.space()
            laid.update({clip.clip_id: own.lay_times(clip, causal=self.causal) for clip in found})

        made = self.making.make_rows(clips, folder, work, settle)
        usable = {clip.clip_id: clip for clip in made}
        people = self.making.list_people(folder / "data", usable)
        timings = {one.clip_id: laid[clip_id] for clip_id, own in people.items() for one in own}
        rows = self._open_rows(people, timings, folder, work)
        packed = self.making.packed
        remarks = _read_remarks([folder / "data" / name for name in ("clips", *packed)])
        unlike = tell_unlike(self.recipe, folder / "data", crowd=self.making.everyone)
        said = open_media(folder / "data" / "text") if "text" in packed else None
        for some in _group(clips, people, timings):
            here = [person for clip in some for person in people.get(clip.clip_id, ())]
            asked = {person.clip_id: timings[person.clip_id] for person in here}
            answers = dict(self.head.answer(rows, asked))
            for clip in some:
                clip_id = clip.clip_id
                told = Told(
                    clip=usable.get(clip_id, clip),
                    remarks=_explain(clip) or remarks.get(clip_id, ()),
                    words=_list_words(said[clip_id] if said and clip_id in usable else None),
                    answer=None,
                    unlike=unlike.get(clip_id, ()),
                )
                yield from _part(told, people.get(clip_id, [Person(clip_id)]), answers, rows.faces)

    def _open_rows(
        self,
        people: Mapping[str, Sequence[Person]],
        timings: Mapping[str, Timing],
        folder: Path,
        work: Path,
    ) -> RowsMade:
        """Rows that `make_rows` made in `folder`, and those of stretches where they are needed.

        `timings` are by person; what the people of a clip share is found under the id of each.
        """
        sets = {s: p.name for s, p in locate_inputs(self.head.params, folder / "features").items()}
        stored = open_inputs(self.head.params, folder / "features")
        self._check_shapes(stored)
        names = {stream: name_rows(stream, people) for stream in stored}
        alone = {}
        for stream, store in stored.items():
            own = {name: timings[person] for person, name in names[stream].items()}
            alone[stream] = self._find_alone(stream, store, own)
        parted = {sets[stream]: own for stream, own in alone.items() if own}
        around = self.making.make_around(parted, folder, work)
        slices = {s: open_features(around / sets[s]) for s, own in alone.items() if own}
        seen = self.making.locate(folder / "data", "face")
        return RowsMade(
            {stream: store.rename(names[stream]) for stream, store in stored.items()},
            {s: store.rename(name_slices(names[s], alone[s])) for s, store in slices.items()},
            open_media(seen) if "face" in self.making.packed else None,
        )

    def _check_shapes(self, whole: Mapping[str, FeatureStore]) -> None:
        """Raise StoreError where rows are of other shapes than a recipe, maybe forged, has them."""
        known = {stream: source.shape for stream, source in self.recipe.inputs.items()}
        for stream, store in whole.items():
            if store.shape != known.get(stream):
                raise StoreError(
                    f"{self.recipe.head}: expected rows of {stream} as its recipe has them, "
                    f"{known.get(stream)}, got {store.shape}; `dvc checkout` the head"
                )

    def _find_alone(
        self, stream: str, store: FeatureStore, timings: Mapping[str, Timing]
    ) -> dict[str, Timing]:
        """Those of the clips whose only row in `store` is to be made anew for each stretch."""
        if "clip" not in self.head.per.values() or modality_of(stream) == "text":
            return {}
        return {
            clip_id: timing
            for clip_id, timing in timings.items()
            if is_alone(store[clip_id], timing)
        }


def is_alone(rows: Rows, timing: Timing) -> bool:
    """Whether `rows` of a clip are a single one, of which a stretch holds a part alone."""
    if len(rows) != 1:
        return False
    begins, ends = timing.stretches.T
    within = (begins <= rows.start_seconds[0]) & (ends >= rows.end_seconds[0])
    return not bool(within.all())


def _group(
    clips: Sequence[Clip], people: Mapping[str, Sequence[Person]], timings: Mapping[str, Timing]
) -> Iterator[list[Clip]]:
    """`clips` in groups that a head answers for together, of about TIMES times each."""
    group: list[Clip] = []
    times = 0
    for clip in clips:
        group.append(clip)
        own = people.get(clip.clip_id, ())
        times += sum(len(timings[person.clip_id].seconds) for person in own)
        if times >= TIMES:
            yield group
            group, times = [], 0
    if group:
        yield group


def _explain(clip: Clip) -> list[str]:
    """Why a clip is a text that cannot be read; nothing of any other."""
    told = explain_text(Path(clip.path))
    return [] if told is None else [told]


def _part(
    told: Told, people: Sequence[Person], answers: Mapping[str, Answer], faces: MediaStore | None
) -> Iterator[Told]:
    """`told` of each of `people` in its clip, with the answer and the `faces` of each."""
    for person, answer in zip(people, share_answers(people, answers), strict=True):
        seen, portrait = _show(faces, person.clip_id) if faces and answer else (None, None)
        yield replace(told, answer=answer, person=person.track, faces=seen, portrait=portrait)


def _show(faces: MediaStore, clip_id: str) -> tuple[pa.Table | None, bytes | None]:
    """Rows of FACES of a clip, and the crop that shows most; None where it has none."""
    sharpest, portrait = -math.inf, None
    for crops in faces.read_rows(clip_id, ["sharpness", "jpeg"]):
        place = int(crops["sharpness"].to_numpy().argmax())
        sharpness, jpeg = (crops[name][place].as_py() for name in ("sharpness", "jpeg"))
        if portrait is None or sharpness > sharpest:
            sharpest, portrait = sharpness, jpeg
    return faces.read_columns(clip_id, FACES), portrait


def _list_words(table: pa.Table | None) -> list[Span]:
    """Words of a clip, by its rows in `data/text`."""
    names = ("start_seconds", "end_seconds", "text")
    columns = [table[name].to_pylist() for name in names] if table else []
    return [Span(*row) for row in zip(*columns, strict=True)]


def _read_remarks(folders: Iterable[Path]) -> dict[str, list[str]]:
    """clip_id → what the ledgers in `folders` say is wrong with it, or not there of it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in (folder / "ledger.parquet" for folder in folders):
        for entry in read_ledger(path) if path.is_file() else ():
            found[entry.clip_id].append(f"{entry.reason}: {entry.detail}")
    return found
