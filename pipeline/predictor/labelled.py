"""Labelled clips: those of a corpus that a head's answers are compared with."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.errors import CorpusError, ParamsError
from pipeline.families import suggest
from pipeline.labels.capping import find_capped
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.params import CORPORA, CorpusParams
from pipeline.labels.joining import Classes, map_classes
from pipeline.labels.overrides import (
    find_excluded,
    find_quarantined,
    leave_out,
    read_overrides,
    relabel,
)
from pipeline.labels.params import SplitParams
from pipeline.labels.reading import read_corpus
from pipeline.params import PARAMS_PATH, parse_corpora, read_yaml
from pipeline.paths import OVERRIDES
from pipeline.presets import list_presets
from pipeline.sections import parse_section

TARGET = "emotion"
"""What is scored."""


@dataclass(frozen=True)
class LabelledClips:
    """Clips of a corpus that are scored, each with its label, in the corpus's words and a head's.

    `left` is what the others are labelled as → how many there are; None is without a label.
    """

    clips: Sequence[Clip]
    labels: Mapping[str, str]
    classes: Mapping[str, str]
    left: Counter[str | None]


def find_corpus(name: str, root: Path | None) -> CorpusParams:
    """The section of a corpus: of the project, a preset, or a kind of corpus at its defaults.

    `root` is where it lies, which the last two need. Raises ParamsError for a name of none.
    """
    own = parse_corpora(read_yaml()) if PARAMS_PATH.is_file() else {}
    presets = {preset.name: preset for preset in list_presets()}
    if name in own:
        return own[name] if root is None else _move(own[name], root)
    if name not in CORPORA.members and name not in presets:
        known = [*own, *CORPORA.members, *presets]
        raise ParamsError(f"--corpus: unknown corpus {name!r}; {suggest(name, known)}")
    if root is None:
        raise ParamsError(f"--corpus {name}: expected a --root, for no params.yaml has it; add one")
    if name in CORPORA.members:
        given = {"kind": name, "root": str(root), "depends_on": str(root)}
        return parse_section(CORPORA.find(name).params, given, f"corpora.{name}")
    return _move(next(iter(parse_corpora(read_yaml(presets[name].path)).values())), root)


def _move(params: CorpusParams, root: Path) -> CorpusParams:
    return params.model_copy(update={"root": str(root)})


def read_labelled(name: str, params: CorpusParams) -> Corpus:
    """The corpus, as labels are after its own `map` and the overrides of the project.

    Clips that are known to be bad, or excluded, are not in it.
    """
    corpus = map_classes(read_corpus(params, name), params, name)
    known = {clip.clip_id for clip in corpus.clips}
    decided = read_overrides(OVERRIDES) if OVERRIDES.is_file() else []
    own = [override for override in decided if override.clip_id in known]
    relabelled, _ = relabel(corpus, own)
    marked = params.quarantine == "mark"
    gone = [*find_excluded(own), *find_quarantined(corpus, own, marked=marked)]
    return leave_out(relabelled, gone)


def choose_clips(
    corpus: Corpus, emotions: Sequence[str], classes: Classes, most: int | None = None
) -> LabelledClips:
    """Clips whose label is one of `emotions` by `classes`: `most` of each, or all.

    Which of them depends on their ids alone (`capping`), so each call draws the same. Raises
    CorpusError where there is none.
    """
    given = {own.clip_id: own.labels.get(TARGET) for own in corpus.targets}
    labels = {clip_id: label for clip_id, label in given.items() if isinstance(label, str)}
    mapped = {clip_id: classes.get(label, label) for clip_id, label in labels.items()}
    reached = {c: own for c, own in mapped.items() if own is not None and own in emotions}
    if not reached:
        raise CorpusError(
            f"--corpus: expected clips of {', '.join(emotions)}, got none of "
            f"{len(corpus.clips):,}, which are {', '.join(sorted({*labels.values()})) or 'of none'}"
            f"; name a --map that says what these are"
        )
    told = [
        replace(own, labels={TARGET: reached[own.clip_id]})
        for own in corpus.targets
        if own.clip_id in reached
    ]
    clips = [clip for clip in corpus.clips if clip.clip_id in reached]
    capped = {one.clip_id for one in find_capped(told, SplitParams(max_per_class=most), clips)}
    return LabelledClips(
        clips=[clip for clip in clips if clip.clip_id not in capped],
        labels=labels,
        classes=reached,
        left=Counter(
            labels.get(clip.clip_id) for clip in corpus.clips if clip.clip_id not in reached
        ),
    )
