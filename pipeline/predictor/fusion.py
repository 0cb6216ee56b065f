"""Late fusion: several trained heads, asked of the same media, and their answers as one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64

from pipeline.errors import ParamsError
from pipeline.heads.recipes import Recipe
from pipeline.labels.clips import Clip
from pipeline.labels.joining import Classes
from pipeline.modalities import order_modalities
from pipeline.predictor.answering import Answer, Values
from pipeline.predictor.mapping import list_mapped, map_values
from pipeline.predictor.predictor import AnyPredictor, Predictor, Told
from pipeline.predictor.stream import HOP_SECONDS, Stream
from pipeline.predictor.timing import NOBODY, Spacing


@dataclass(frozen=True)
class Member:
    """A head, and the weight of its answers."""

    predictor: Predictor
    weight: float = 1.0

    @property
    def name(self) -> str:
        """What the head is called."""
        return self.predictor.recipe.head


@dataclass(frozen=True)
class FusedPredictor(AnyPredictor):
    """Heads whose answers are one: at each time the mean of theirs, as `members` are weighed.

    Each goes by the same stretch of the same medium, so no answer is moved in time; where one has
    nothing to go by, the others answer alone. Classes are first those that `classes` make of them.
    A target that one head alone answers for is its own. It is called as they are, joined by `+`.
    Raises ParamsError where their classes differ, and where none has a weight above 0.
    """

    members: Sequence[Member]
    classes: Classes = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_weights(self.weights)
        agree_classes(self._name_classes())

    @cached_property
    def recipe(self) -> Recipe:
        """That of the first, which names a head and what it reads as all of them."""
        recipes = [member.predictor.recipe for member in self.members]
        return _name_all(recipes, agree_classes(self._name_classes()))

    @cached_property
    def weights(self) -> list[float]:
        """Weight of each member."""
        return [member.weight for member in self.members]

    @property
    def window_seconds(self) -> float:
        """The longest that a member goes by."""
        return max(member.predictor.window_seconds for member in self.members)

    @property
    def causal(self) -> bool:
        """Whether all are."""
        return all(member.predictor.causal for member in self.members)

    def stream(
        self, hz: int | None = None, *, window: float | None = None, hop: float = HOP_SECONDS
    ) -> Stream:
        """Raises ParamsError: each member has people of its own in front."""
        raise ParamsError(
            f"{self.recipe.head}: expected a head by itself to stream, got heads as one; load one, "
            f"or train a head of kind late_fusion"
        )

    def predict(
        self,
        clips: Sequence[Clip],
        folder: Path,
        work: Path,
        spacing: Spacing | None = None,
    ) -> Iterator[Told]:
        """As `AnyPredictor` has it; rows of each member are made in a folder of its own."""
        laid = spacing or self.space()
        told = [m.predictor.predict(clips, folder / m.name, work, laid) for m in self.members]
        for some in zip(*told, strict=True):
            yield self._join(some)

    def _join(self, told: Sequence[Told]) -> Told:
        answers = [
            None if one.answer is None else self._map(one.answer, member)
            for one, member in zip(told, self.members, strict=True)
        ]
        seen = next((one for one in told if one.faces is not None), told[0])
        weighed = zip(answers, self.weights, strict=True)
        known = [(a, w) for a, w in weighed if a is not None and w > 0]
        return Told(
            clip=next((one.clip for one in told if one.answer is not None), told[0].clip),
            remarks=_list_once(one.remarks for one in told),
            words=next((one.words for one in told if one.words), ()),
            answer=fuse_answers(*zip(*known, strict=True)) if known else None,
            unlike=_list_once(one.unlike for one in told),
            person=told[0].person,
            faces=seen.faces,
            portrait=seen.portrait,
        )

    def _name_classes(self) -> dict[str, list[str]]:
        """Head → its classes, by those that `classes` make of them."""
        named = {
            m.name: list_mapped(m.predictor.recipe.emotions, self.classes) for m in self.members
        }
        for member in self.members:
            if member.predictor.recipe.emotions and not named[member.name]:
                told = f"expected it to keep a class of {member.name}, got none"
                raise ParamsError(f"--map: {told}; name one that it has")
        return named

    def _map(self, answer: Answer, member: Member) -> Answer:
        """`answer` of a member in the classes of all."""
        own, all_ = member.predictor.recipe.emotions, self.recipe.emotions
        whole = answer.whole and map_values(answer.whole, own, self.classes, all_)
        series = map_values(answer.series, own, self.classes, all_)
        return replace(answer, whole=whole, series=series)


def _name_all(recipes: Sequence[Recipe], emotions: Sequence[str]) -> Recipe:
    """The first of `recipes`, where a page names a head and what it reads as all of them."""
    kinds, revisions = (
        dict.fromkeys(own)
        for own in ([r.kind for r in recipes], [r.git_revision for r in recipes if r.git_revision])
    )
    told = {
        "head": "+".join(recipe.head for recipe in recipes),
        "params": {**recipes[0].params, "kind": " and ".join(kinds)},
        "emotions": emotions,
        "per": {target: per for recipe in recipes for target, per in recipe.per.items()},
        "inputs": {s: source for recipe in recipes for s, source in recipe.inputs.items()},
        "git_revision": " and ".join(revisions) or None,
    }
    return recipes[0].model_copy(update=told)


def agree_classes(named: Mapping[str, list[str]]) -> list[str]:
    """Classes of heads, by their names, as the first has them; ParamsError where others differ."""
    (first, emotions), *others = named.items()
    for name, own in others:
        if lonely := sorted({*emotions} ^ {*own}):
            raise ParamsError(
                f"--join: expected the same classes of {first} and {name}, got "
                f"{', '.join(lonely)} of one alone; name a --map that says what they are"
            )
    return emotions


def check_weights(weights: Sequence[float]) -> None:
    """Raise ParamsError for weights below 0, and where none is above."""
    if not (min(weights) >= 0 and 0 < sum(weights) < np.inf):
        told = ", ".join(f"{weight:g}" for weight in weights)
        raise ParamsError(f"--join: expected weights from 0 on, one of them above, got {told}")


def fuse_answers(answers: Sequence[Answer], weights: Sequence[float]) -> Answer:
    """One answer of several to one clip at the same times, each counting as its weight says.

    At a time, of those that say something of it; who is there is whom the first sees that sees
    anybody.
    """
    wholes = [(a.whole, w) for a, w in zip(answers, weights, strict=True) if a.whole is not None]
    present = [answer.present for answer in answers]
    return Answer(
        whole=_average(*zip(*wholes, strict=True)) if wholes else None,
        timing=answers[0].timing,
        series=_average([answer.series for answer in answers], weights),
        present=[_list_present(some) for some in zip(*present, strict=True)],
        people=_find_first([answer.people for answer in answers]),
        shown=answers[0].shown,
    )


def _average(values: Sequence[Values], weights: Sequence[float]) -> Values:
    """Mean of each target over those that have it."""
    found = {
        target: [(v[target], w) for v, w in zip(values, weights, strict=True) if target in v]
        for target in dict.fromkeys(chain.from_iterable(values))
    }
    return {target: _average_known(*zip(*own, strict=True)) for target, own in found.items()}


def _average_known(
    values: Sequence[Float32[np.ndarray, "*shape"]], weights: Sequence[float]
) -> Float32[np.ndarray, "*shape"]:
    """Mean of the numbers that are there; NaN where none is, or none that counts."""
    stacked = np.stack(values).astype(np.float64)
    known = ~np.isnan(stacked)
    share = known * np.reshape(weights, (-1, *[1] * (stacked.ndim - 1)))
    total, whole = (np.where(known, stacked, 0.0) * share).sum(axis=0), share.sum(axis=0)
    return np.where(whole > 0, total / np.where(whole > 0, whole, 1), np.nan).astype(np.float32)


def _list_present(several: Iterable[Sequence[str]]) -> list[str]:
    return [*order_modalities({*chain.from_iterable(several)})]


def _find_first(people: Sequence[Int64[np.ndarray, " times"]]) -> Int64[np.ndarray, " times"]:
    found = people[0]
    for own in people[1:]:
        found = np.where(found == NOBODY, own, found)
    return found


def _list_once(lists: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(lists)))
