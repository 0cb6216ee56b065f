"""Annotations: answers over time as the programs of phoneticians and linguists read them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from math import isnan
from pathlib import Path

from pympi.Elan import Eaf
from pympi.Praat import TextGrid

from pipeline.errors import ParamsError, show_line
from pipeline.families import suggest
from pipeline.files import write_text, write_whole
from pipeline.labels.clips import NO_MEDIA
from pipeline.predictor.curves import Span, list_ratings, list_spans, name_greatest, name_people
from pipeline.predictor.predictor import Told

Tiers = Mapping[str, Sequence[Span]]
"""Name → spans that follow one another, each of some length."""

LEAST_SECONDS = 1e-3
"""Length of a span: ELAN counts in milliseconds."""


def list_tiers(told: Told, emotions: Sequence[str]) -> dict[str, list[Span]]:
    """Tiers of what is told of one clip: the greatest class, ratings, who is seen, the words."""
    answer = told.answer
    if answer is None:
        return {}
    texts: dict[str, list[str | None]] = dict(name_greatest(answer, emotions))
    for target, values in list_ratings(answer).items():
        texts[target] = [None if isnan(value) else f"{value:.2f}" for value in values]
    texts["person"] = name_people(answer)
    tiers = {name: list_spans(answer.timing, own) for name, own in texts.items()}
    return {name: _clear(spans) for name, spans in (tiers | {"words": [*told.words]}).items()}


def _clear(spans: Iterable[Span]) -> list[Span]:
    """`spans` without those of no length, none beginning before another has ended."""
    cleared: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        start = max(span.start, cleared[-1].end if cleared else 0.0)
        if span.end - start >= LEAST_SECONDS:
            cleared.append(Span(start, span.end, show_line(span.text)))
    return cleared


def write_elan(path: Path, told: Told, tiers: Tiers) -> None:
    """Write ELAN's `.eaf`, which names the medium by its absolute path."""
    document = Eaf(author="moodline")
    document.remove_tier("default")
    if told.clip.path != NO_MEDIA:
        place = Path(told.clip.path).absolute()
        document.add_linked_file(place.as_uri(), mimetype="video/*" if told.clip.fps else "audio/*")
    for name, spans in tiers.items():
        document.add_tier(name)
        for span in spans:
            document.add_annotation(name, *_count_milliseconds(span), span.text)
    write_whole(path, document.to_file)


def _count_milliseconds(span: Span) -> tuple[int, int]:
    return round(1000 * span.start), round(1000 * span.end)


def write_praat(path: Path, told: Told, tiers: Tiers) -> None:
    """Write Praat's `.TextGrid`, whose tiers end with the medium or with their last span."""
    ends = [span.end for spans in tiers.values() for span in spans]
    grid = TextGrid(xmax=max([told.clip.duration_seconds or 0.0, LEAST_SECONDS, *ends]))
    for name, spans in tiers.items():
        tier = grid.add_tier(name)
        for span in spans:
            tier.add_interval(span.start, span.end, span.text)
    write_whole(path, grid.to_file)


def write_captions(path: Path, told: Told, tiers: Tiers) -> None:
    """Write WebVTT: a cue for each span of the first tier, which is the greatest class or a rating.

    As W3C has it (WebVTT, 2019): `&`, `<` and `>` are written as entities.
    """
    name, spans = next(iter(tiers.items()))
    cues = [
        f"{_write_time(span.start)} --> {_write_time(span.end)}\n"
        f"{name}: {escape(span.text, quote=False)}"
        for span in spans
    ]
    write_text(path, "\n\n".join(["WEBVTT", *cues]) + "\n")


def _write_time(seconds: float) -> str:
    """Time as WebVTT has it.

    >>> _write_time(3723.5)
    '01:02:03.500'
    """
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"


WRITERS: Mapping[str, Callable[[Path, Told, Tiers], None]] = {
    "eaf": write_elan,
    "TextGrid": write_praat,
    "vtt": write_captions,
}
"""Ending of a file → what writes it."""


def check_endings(endings: Sequence[str]) -> None:
    """Raise ParamsError for an ending that no program here has."""
    for ending in endings:
        if ending not in WRITERS:
            raise ParamsError(f"--annotations: unknown ending; {suggest(ending, WRITERS)}")


def write_annotations(
    told: Told, emotions: Sequence[str], stem: Path, endings: Sequence[str]
) -> None:
    """Write what is told of one clip to `stem` with each of `endings`, those of WRITERS."""
    tiers = list_tiers(told, emotions) if endings else {}
    for ending in endings:
        WRITERS[ending](stem.with_name(f"{stem.name}.{ending}"), told, tiers)
