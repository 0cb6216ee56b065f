"""Corpora, encoders, feature sets and weights as tables and lines for people."""

from collections.abc import Iterable, Iterator, Mapping
from inspect import cleandoc

from rich.table import Table

from pipeline.audits.catalogue import ListedSet, Member
from pipeline.audits.holdings import Held
from pipeline.audits.weights import Named, fetch_weights, locate_weights
from pipeline.cli.printing import tabulate
from pipeline.errors import ParamsError
from pipeline.labels.corpora.params import CORPORA

DASH = "–"


def tabulate_members(members: Iterable[Member]) -> Table:
    """One row per encoder."""
    rows = (
        (
            member.name,
            ", ".join(member.modalities) or DASH,
            member.licence or DASH,
            "; ".join(member.needs) or "nothing more",
            member.reveals or DASH,
        )
        for member in members
    )
    return tabulate(("encoder", "modalities", "licence", "needs", "reveals"), rows)


def tabulate_corpora() -> Table:
    """One row per corpus."""
    rows = (
        (name, member.about, ", ".join(member.targets), member.protocols, member.licence)
        for name, member in sorted(CORPORA.members.items())
    )
    return tabulate(("corpus", "what it is", "targets", "splits", "licence"), rows)


def describe_corpus(name: str) -> Iterator[str]:
    """Lines on one corpus: how its folder is laid out, its options, and clips known to be bad.

    Raises ParamsError, which names the nearest, where there is none of this name.
    """
    member, module = CORPORA.find(name), CORPORA.load(name)
    yield from (module.__doc__ or "").strip().splitlines()
    yield ""
    yield from cleandoc(member.params.__doc__ or "").splitlines()
    yield ""
    yield f"from: {member.source}"
    yield f"licence: {member.licence}"
    yield f"targets: {', '.join(member.targets)}"
    yield f"splits: {member.protocols}"
    for clip_id, told in getattr(module, "QUARANTINE", {}).items():
        yield f"known to be bad: {clip_id}: {told}"


def tabulate_held(held: Iterable[Held]) -> Table:
    """One row per out."""
    rows = (
        (one.stage, one.out, ", ".join(one.kinds), ", ".join(one.rebuilt) or DASH) for one in held
    )
    return tabulate(("stage", "out", "holds", "can be rebuilt into"), rows)


def tabulate_sets(sets: Iterable[ListedSet]) -> Table:
    """One row per feature set."""
    columns = ("set", "encoder", "row", "rate", "weights", "seen corpora")
    return tabulate(columns, map(_list_cells, sets))


def _list_cells(listed: ListedSet) -> tuple[str, ...]:
    return (
        listed.name,
        listed.encoder,
        " × ".join(f"{size:,}" for size in listed.row_shape or ()) or DASH,
        listed.rate or DASH,
        listed.weights,
        ", ".join(listed.seen_corpora) or DASH,
    )


def list_fetched(named: Mapping[str, Named]) -> Iterator[str]:
    """A line per place in params.yaml, such as `features.words`, once its weights are here.

    Raises ParamsError at the end, where some could not be fetched.
    """
    width = max(map(len, named), default=0)
    failed = {}
    for name, wanted in named.items():
        try:
            yield f"{name:{width}}  {_fetch(wanted)}"
        except ParamsError as caught:
            failed[name] = caught
            yield f"{name:{width}}  absent   {wanted.weights}"
    if not named:
        yield "nothing in params.yaml needs weights"
    if failed:
        name, error = next(iter(failed.items()))
        others = f"{len(failed)} of {len(named)} weights are absent, first " * (len(failed) > 1)
        raise ParamsError(f"{others}params.yaml: {name}: {error}") from error


def _fetch(named: Named) -> str:
    """State, kind and path of weights that are fetched where they are not here."""
    place = locate_weights(named)
    state = "fetched" if place is None else "present"
    place = place or fetch_weights(named)
    return f"{state}  {place.kind} {place.path}"
