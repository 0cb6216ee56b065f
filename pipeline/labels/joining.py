"""Joining: several corpora as one, in one vocabulary of classes, each placed by itself."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce
from itertools import chain, pairwise

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import CorpusError, ParamsError
from pipeline.families import suggest
from pipeline.labels.clip_labels import ClipLabels, Label, list_classes
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.params import CorpusParams
from pipeline.labels.emotions import Names
from pipeline.labels.params import SplitParams
from pipeline.labels.splits import assign_splits, find_labelled
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
        remarks=[*corpus.remarks, *_list_new(known, classes)],
    )


def join_corpora(corpora: Mapping[str, Corpus]) -> Corpus:
    """All `corpora` as one, by the ids of clips; one alone is itself.

    Classes come in the order in which the corpora have them. Subjects and groups of one name in two
    corpora are two, so theirs begin with the corpus's; in two entries of one, such as speech and
    song of RAVDESS, they are the same. Raises CorpusError for a clip of two, and for scores of
    other classes: what a corpus never rated would be learned as absent.
    """
    if len(corpora) == 1:
        return next(iter(corpora.values()))
    _check_ids(corpora)
    _check_scores(corpora)
    clips = [
        replace(clip, subject=_tell(clip, clip.subject), group=_tell(clip, clip.group))
        for corpus in corpora.values()
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
        entries=[
            # Of a file that no annotation names, the path below its own root.
            replace(entry, clip_id=f"{name}/{entry.clip_id}")
            if entry.reason == "no_label"
            else entry
            for name, corpus in corpora.items()
            for entry in corpus.entries
        ],
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

    So one that is added moves no clip of another; entries of one corpus are placed together, for
    they share people. A corpus with a `side` is on that side whole; where it trains and none
    validates, groups of it are cut out to validate, as `splits` say. Raises CorpusError or
    ParamsError as `assign_splits` does, with the names of the corpora, and where some have a split
    and others folds, or other folds.
    """
    by_id = {target.clip_id: target for target in targets}
    known = {
        name: replace(corpus, targets=[by_id[own.clip_id] for own in corpus.targets])
        for name, corpus in corpora.items()
    }
    sides = {tuple(names): _find_side(names, params) for names in _gather_entries(known)}
    placed = _place_parted(known, [names for names, side in sides.items() if side is None], splits)
    validates = "val" in sides.values() or _has_val(chain.from_iterable(placed.values()))
    for names, side in sides.items():
        if side is not None:
            with _told_of(names):
                found = _take_side(_join_entries(known, names), side, None if validates else splits)
            validates = validates or _has_val(found)
            placed[", ".join(names)] = found
    if splits.protocol != "leave_one_out":
        _check_places(placed)
    return sort_targets(chain.from_iterable(placed.values()))


def _place_parted(
    known: Mapping[str, Corpus], entries: Iterable[Sequence[str]], splits: SplitParams
) -> dict[str, list[ClipLabels]]:
    """Names of `entries` of one corpus → its targets, on the sides that `splits` part it into."""
    placed: dict[str, list[ClipLabels]] = {}
    for names in entries:
        with _told_of(names):
            found = assign_splits(_join_entries(known, names), splits)
        if splits.protocol == "leave_one_out":
            shift = _count_folds(chain.from_iterable(placed.values()))
            found = [_shift_fold(target, shift) for target in found]
        placed[", ".join(names)] = found
    return placed


def sort_targets(targets: Iterable[ClipLabels]) -> list[ClipLabels]:
    """`targets` by the ids of their clips."""
    return sorted(targets, key=lambda target: target.clip_id)


def _tell(clip: Clip, own: str | None) -> str | None:
    """A name within the corpus of `clip`, told apart from the same in others."""
    return own and f"{clip.corpus}/{own}"


@contextmanager
def _told_of(names: Iterable[str]) -> Iterator[None]:
    """Within this, an error tells which corpora it is about."""
    try:
        yield
    except (CorpusError, ParamsError) as error:
        told = f"corpora.{' and '.join(names)}"
        raise type(error)(*(f"{told}: {mistake}" for mistake in error.args)) from error


def _gather_entries(corpora: Mapping[str, Corpus]) -> list[list[str]]:
    """Names of `corpora`, those together whose clips are of one corpus."""
    gathered: list[tuple[set[str], list[str]]] = []
    for name, corpus in corpora.items():
        own, names = {clip.corpus for clip in corpus.clips}, [name]
        for other in [other for other in gathered if other[0] & own]:
            gathered.remove(other)
            own, names = other[0] | own, [*other[1], *names]
        gathered.append((own, names))
    return [names for _, names in gathered]


def _join_entries(corpora: Mapping[str, Corpus], names: Iterable[str]) -> Corpus:
    return join_corpora({name: corpora[name] for name in names})


def _list_new(known: Sequence[str], classes: Classes) -> list[str]:
    """A sentence on each class that `classes` make, and that is none of the corpus's own."""
    made = {own: word for word, own in classes.items() if own is not None and own not in known}
    return [f"class {own}: new here, {word} is called so" for own, word in made.items()]


def _find_side(names: Sequence[str], params: Mapping[str, CorpusParams]) -> str | None:
    """Side of the entries `names` of one corpus, which share people, None for none."""
    sides = {name: params[name].side for name in names}
    if len({*sides.values()}) > 1:
        told = ", ".join(f"{side} of {name}" for name, side in sides.items())
        raise ParamsError(
            f"params.yaml: corpora: expected one side for all entries of one corpus, which share "
            f"people, got {told}; give them the same, or none"
        )
    return sides[names[0]]


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
    labels = (frames[name].is_valid() for name, target in TARGETS.items() if target.framed)
    return frames.filter(reduce(pc.or_, labels))


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


def _check_scores(corpora: Mapping[str, Corpus]) -> None:
    """Refuse scores of classes that another corpus with scores does not rate."""
    scored = [name for name, target in TARGETS.items() if target.kind == "scores"]
    for target in scored:
        rated = {
            name: {word for own in corpus.targets for word in _list_named(own, target)}
            for name, corpus in corpora.items()
        }
        rated = {name: words for name, words in rated.items() if words}
        for (first, known), (name, words) in pairwise(rated.items()):
            if strange := known ^ words:
                raise CorpusError(
                    f"corpora: {target}: expected {first} and {name} to rate the same classes, got "
                    f"{', '.join(sorted(strange))} in one alone; `map` them to null"
                )


def _list_named(labels: ClipLabels, target: str) -> list[str]:
    return list_classes(labels.labels[target]) if target in labels.labels else []


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


def _has_val(targets: Iterable[ClipLabels]) -> bool:
    return any(target.split == "val" for target in targets)


def _count_folds(targets: Iterable[ClipLabels]) -> int:
    return max((target.fold + 1 for target in targets if target.fold is not None), default=0)


def _shift_fold(target: ClipLabels, shift: int) -> ClipLabels:
    return target if target.fold is None else replace(target, fold=target.fold + shift)


def _check_places(placed: Mapping[str, Sequence[ClipLabels]]) -> None:
    """Refuse a split beside folds, or other folds: in some run a corpus would have no part."""
    folds = {
        name: sorted({target.fold for target in targets if target.fold is not None})
        for name, targets in placed.items()
        if any((target.fold, target.split) != (None, None) for target in targets)
    }
    for (first, known), (name, found) in pairwise(folds.items()):
        if known != found:
            raise ParamsError(
                f"params.yaml: corpora: expected the same folds in {first} and {name}, or a split "
                f"in both, got {_tell_folds(known)} and {_tell_folds(found)}; choose another "
                f"splits.protocol, or leave out corpora.*.side"
            )


def _tell_folds(folds: Sequence[int]) -> str:
    return f"{len(folds)} folds" if folds else "a split"
