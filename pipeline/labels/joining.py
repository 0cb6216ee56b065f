"""Joining: several corpora as one, in one vocabulary of classes, each placed by itself."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain

import pyarrow as pa

from pipeline.errors import CorpusError, ParamsError
from pipeline.families import suggest
from pipeline.labels.clip_labels import ClipLabels, Label, list_classes
from pipeline.labels.corpora import Corpus
from pipeline.labels.corpora.params import CorpusParams
from pipeline.labels.emotions import Names
from pipeline.labels.splits import SplitParams, assign_splits, find_labelled
from pipeline.targets import TARGETS

Classes = Mapping[str, str | None]
"""Class of a corpus → class of all, None for no label; those that it does not name stay."""


def map_classes(corpus: Corpus, params: CorpusParams, name: str) -> Corpus:
    """`corpus`, called `name`, with its classes as `params` map them, in their order.

    Votes of classes that become one are added up; of scores the greater counts. Raises ParamsError
    for a class that the corpus does not have.
    """
    known, classes = corpus.names.emotion, params.map
    for word in classes:
        if word not in known:
            raise ParamsError(
                f"params.yaml: corpora.{name}.map: unknown class {word!r}; {suggest(word, known)}"
            )
    if not classes:
        return corpus
    words = {word: classes.get(own, own) for word, own in corpus.names.words.items()}
    return replace(
        corpus,
        targets=[replace(own, labels=_map_labels(own.labels, classes)) for own in corpus.targets],
        names=Names(
            emotion=_list_once(classes.get(own, own) for own in known),
            words={word: own for word, own in words.items() if own is not None},
        ),
        frames=_map_frames(corpus.frames, classes),
    )


def join_corpora(corpora: Mapping[str, Corpus]) -> Corpus:
    """All `corpora` as one, by the ids of clips; one alone is itself.

    Classes come in the order in which the corpora have them. Subjects and groups of one name in two
    corpora are two, so theirs begin with the corpus's. Raises CorpusError for a clip of two.
    """
    if len(corpora) == 1:
        return next(iter(corpora.values()))
    _check_ids(corpora)
    clips = [
        replace(clip, subject=_tell(name, clip.subject), group=_tell(name, clip.group))
        for name, corpus in corpora.items()
        for clip in corpus.clips
    ]
    all_of = list(corpora.values())
    frames = pa.concat_tables([corpus.frames for corpus in all_of])
    return Corpus(
        clips=sorted(clips, key=lambda clip: clip.clip_id),
        targets=sort_targets(chain.from_iterable(corpus.targets for corpus in all_of)),
        names=Names(
            emotion=_list_once(chain.from_iterable(corpus.names.emotion for corpus in all_of)),
            words=_join_words(all_of),
        ),
        frames=frames.sort_by([("clip_id", "ascending"), ("frame", "ascending")]),
        quarantine={key: told for corpus in all_of for key, told in corpus.quarantine.items()},
        entries=[entry for corpus in all_of for entry in corpus.entries],
        remarks=[
            *(f"{name}: {told}" for name, corpus in corpora.items() for told in corpus.remarks),
            *_list_lonely(corpora),
        ],
    )


def place_corpora(
    corpora: Mapping[str, Corpus],
    params: Mapping[str, CorpusParams],
    targets: Iterable[ClipLabels],
    splits: SplitParams,
) -> list[ClipLabels]:
    """`targets` of all corpora with `split` or `fold` filled, each corpus placed by itself.

    So one that is added moves no clip of another. A corpus with a `side` is on that side whole;
    where it trains and none validates, groups of it are cut out to validate, as `splits` say.
    Raises CorpusError or ParamsError as `assign_splits` does, and where some corpora have a split
    and others folds.
    """
    by_id = {target.clip_id: target for target in targets}
    validates = any(params[name].side == "val" for name in corpora)
    placed: list[ClipLabels] = []
    for name, corpus in corpora.items():
        own = replace(corpus, targets=[by_id[target.clip_id] for target in corpus.targets])
        shift = _count_folds(placed) if splits.protocol == "leave_one_out" else 0
        if side := params[name].side:
            found = _take_side(own, side, None if validates else splits)
        else:
            found = assign_splits(own, splits)
        placed += [_shift_fold(target, shift) for target in found]
    _check_places(placed, params)
    return sort_targets(placed)


def sort_targets(targets: Iterable[ClipLabels]) -> list[ClipLabels]:
    """`targets` by the ids of their clips."""
    return sorted(targets, key=lambda target: target.clip_id)


def _tell(name: str, own: str | None) -> str | None:
    """A name within corpus `name`, told apart from the same in others."""
    return own and f"{name}/{own}"


def _map_labels(labels: Mapping[str, Label], classes: Classes) -> dict[str, Label]:
    """`labels` in other classes, without those that have none left."""
    mapped = {name: _map_label(name, label, classes) for name, label in labels.items()}
    return {name: label for name, label in mapped.items() if label is not None}


def _map_label(name: str, label: Label, classes: Classes) -> Label | None:
    if isinstance(label, str):
        return classes.get(label, label)
    if not isinstance(label, tuple):
        return label
    join = sum if TARGETS[name].kind == "votes" else max
    found: dict[str, list[float]] = {}
    for word, number in label:
        if (own := classes.get(word, word)) is not None:
            found.setdefault(own, []).append(number)
    joined = tuple((own, float(join(numbers))) for own, numbers in found.items())
    voted = TARGETS[name].kind != "votes" or any(number for _, number in joined)
    return joined if joined and voted else None


def _map_frames(frames: pa.Table, classes: Classes) -> pa.Table:
    for name, target in TARGETS.items():
        if target.framed and target.kind == "class":
            encoded = frames[name].combine_chunks().dictionary_encode()
            words = [classes.get(word, word) for word in encoded.dictionary.to_pylist()]
            mapped = pa.array(words, pa.string()).take(encoded.indices)
            frames = frames.set_column(frames.schema.get_field_index(name), name, mapped)
    return frames


def _list_once(words: Iterable[str | None]) -> list[str]:
    """Each of `words` once, in order."""
    return list(dict.fromkeys(word for word in words if word is not None))


def _check_ids(corpora: Mapping[str, Corpus]) -> None:
    owners: dict[str, str] = {}
    for name, corpus in corpora.items():
        for clip in corpus.clips:
            if (other := owners.setdefault(clip.clip_id, name)) != name:
                raise CorpusError(
                    f"corpora: {clip.clip_id}: a clip of {other} and of {name}; give tables a "
                    f"column `clip_id`, or say what they are `called`"
                )


def _join_words(corpora: Iterable[Corpus]) -> dict[str, str]:
    """Word → class of all corpora, without the words that mean several."""
    found: dict[str, set[str]] = {}
    for corpus in corpora:
        for word, own in corpus.names.words.items():
            found.setdefault(word, set()).add(own)
    return {word: min(means) for word, means in found.items() if len(means) == 1}


def _list_lonely(corpora: Mapping[str, Corpus]) -> list[str]:
    """A sentence on the classes that some of the corpora that have any never name."""
    used = {name: _find_used(corpus) for name, corpus in corpora.items()}
    used = {name: classes for name, classes in used.items() if classes}
    counts = Counter(chain.from_iterable(used.values()))
    return [
        f"class {word}: only {' and '.join(name for name in used if word in used[name])} "
        f"{'has' if count == 1 else 'have'} it; `map` of the corpus can make it another"
        for word, count in sorted(counts.items())
        if count < len(used)
    ]


def _find_used(corpus: Corpus) -> frozenset[str]:
    """Classes that any clip or frame is labelled with."""
    own = (list_classes(label) for target in corpus.targets for label in target.labels.values())
    framed = corpus.frames["emotion"].unique().drop_null().to_pylist()
    return frozenset([*chain.from_iterable(own), *framed])


def _take_side(corpus: Corpus, side: str, cut: SplitParams | None) -> list[ClipLabels]:
    """Targets on one side; `cut` says what share of train validates, None that none does."""
    labelled = find_labelled(corpus)
    targets = [
        replace(target, split=side if target.clip_id in labelled else None, fold=None)
        for target in corpus.targets
    ]
    if side != "train" or cut is None:
        return targets
    shipped = cut.model_copy(update={"protocol": "corpus"})
    return assign_splits(replace(corpus, targets=targets), shipped)


def _count_folds(targets: Iterable[ClipLabels]) -> int:
    return max((target.fold + 1 for target in targets if target.fold is not None), default=0)


def _shift_fold(target: ClipLabels, shift: int) -> ClipLabels:
    return target if target.fold is None else replace(target, fold=target.fold + shift)


def _check_places(targets: Iterable[ClipLabels], params: Mapping[str, CorpusParams]) -> None:
    """Refuse a split beside folds: in a run of a fold there is no place for the split's clips."""
    placed = list(targets)
    if any(t.fold is not None for t in placed) and any(t.split is not None for t in placed):
        raise ParamsError(
            f"params.yaml: corpora: expected folds in all of {', '.join(params)}, or a split in "
            f"all, got both; choose splits.protocol holdout, or leave out corpora.*.side"
        )
