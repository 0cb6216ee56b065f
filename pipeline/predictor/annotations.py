"""Annotations: answers over time as the programs of phoneticians and linguists read them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from math import isnan
from pathlib import Path

import av
from pympi.Elan import Eaf
from pympi.Praat import TextGrid

from pipeline.errors import MediaError, ParamsError, show_line
from pipeline.families import suggest
from pipeline.files import write_text, write_whole
from pipeline.labels.clips import NO_MEDIA
from pipeline.predictor.curves import Span, list_ratings, list_spans, name_greatest, name_people
from pipeline.predictor.gathering import FILM
from pipeline.predictor.predictor import Told

LEAST_SECONDS = 1e-3
"""Length of a span: ELAN counts in milliseconds."""


def list_tiers(people: Sequence[Told], emotions: Sequence[str]) -> dict[str, list[Span]]:
    """Tiers of what is told of one clip: the greatest class, ratings, who is seen, the words.

    Where each of the `people` in it is answered for, each has its own but for the words, with a
    name such as `person 2: valence`.
    """
    tiers: dict[str, Sequence[Span]] = {}
    for told in people:
        before = f"{told.who}: " if told.who else ""
        tiers |= {f"{before}{name}": spans for name, spans in _list_own(told, emotions)}
    tiers["words"] = people[0].words
    return {name: _clear(spans) for name, spans in tiers.items()}


def _list_own(told: Told, emotions: Sequence[str]) -> Iterator[tuple[str, list[Span]]]:
    """Tiers of one clip, or person in it, but for the words."""
    answer = told.answer
    if answer is None:
        return
    texts: dict[str, list[str | None]] = dict(name_greatest(answer, emotions))
    for target, values in list_ratings(answer).items():
        texts[target] = [None if isnan(value) else f"{value:.2f}" for value in values]
    texts["person"] = name_people(answer)
    for name, own in texts.items():
        yield name, list_spans(answer.timing, own)


def _clear(spans: Iterable[Span]) -> list[Span]:
    """`spans` without those of no length, none beginning before another has ended."""
    cleared: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        start = max(span.start, cleared[-1].end if cleared else 0.0)
        if span.end - start >= LEAST_SECONDS:
            cleared.append(Span(start, span.end, show_line(span.text)))
    return cleared


def write_elan(path: Path, people: Sequence[Told], emotions: Sequence[str]) -> None:
    """Write ELAN's `.eaf`, which names the medium by its absolute path."""
    told = people[0]
    document = Eaf(author="moodline")
    document.remove_tier("default")
    if told.clip.path != NO_MEDIA:
        place = Path(told.clip.path).absolute()
        document.add_linked_file(place.as_uri(), mimetype="video/*" if told.clip.fps else "audio/*")
    for name, spans in list_tiers(people, emotions).items():
        document.add_tier(name)
        for span in spans:
            document.add_annotation(name, *_count_milliseconds(span), span.text)
    write_whole(path, document.to_file)


def _count_milliseconds(span: Span) -> tuple[int, int]:
    return round(1000 * span.start), round(1000 * span.end)


def write_praat(path: Path, people: Sequence[Told], emotions: Sequence[str]) -> None:
    """Write Praat's `.TextGrid`, whose tiers end with the medium or with their last span."""
    tiers = list_tiers(people, emotions)
    ends = [span.end for spans in tiers.values() for span in spans]
    grid = TextGrid(xmax=max([people[0].clip.duration_seconds or 0.0, LEAST_SECONDS, *ends]))
    for name, spans in tiers.items():
        tier = grid.add_tier(name)
        for span in spans:
            tier.add_interval(span.start, span.end, span.text)
    write_whole(path, grid.to_file)


def write_captions(path: Path, people: Sequence[Told], emotions: Sequence[str]) -> None:
    """Write WebVTT: a cue for each span of the first tier, which is the greatest class or a rating.

    Of each person that is answered for, at once. As W3C has it (WebVTT, 2019): `&`, `<` and `>` are
    written as entities.
    """
    firsts = [next(iter(list_tiers([told], emotions).items())) for told in people]
    spoken = [(span, name) for name, spans in firsts for span in spans]
    cues = [
        f"{_write_time(span.start)} --> {_write_time(span.end)}\n"
        f"{name}: {escape(span.text, quote=False)}"
        for span, name in sorted(spoken, key=lambda cue: cue[0].start)
    ]
    write_text(path, "\n\n".join(["WEBVTT", *cues]) + "\n")


def _write_time(seconds: float) -> str:
    """Time as WebVTT has it.

    >>> _write_time(3723.5)
    '01:02:03.500'
    """
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"


def _write_film(path: Path, people: Sequence[Told], emotions: Sequence[str]) -> None:
    from pipeline.predictor.films import write_film  # matplotlib, for its letters: a second

    write_film(path, people, emotions)


WRITERS: Mapping[str, Callable[[Path, Sequence[Told], Sequence[str]], None]] = {
    "eaf": write_elan,
    "TextGrid": write_praat,
    "vtt": write_captions,
    "mp4": _write_film,
}
"""Ending of a file → what writes it."""


def name_end(ending: str) -> str:
    """End of the name of a file of annotations: a film's is not taken for a medium later.

    >>> name_end("eaf"), name_end("mp4")
    ('.eaf', '.annotated.mp4')
    """
    return FILM if ending == "mp4" else f".{ending}"


def check_endings(endings: Sequence[str]) -> None:
    """Raise ParamsError for an ending that no program here has, and where FFmpeg lacks H.264."""
    for ending in endings:
        if ending not in WRITERS:
            raise ParamsError(f"--annotations: unknown ending; {suggest(ending, WRITERS)}")
    if "mp4" in endings and "libx264" not in av.codecs_available:
        raise ParamsError(
            "--annotations mp4: expected an FFmpeg with libx264, got one without; install "
            "PyAV from PyPI, whose FFmpeg has it"
        )


def write_annotations(
    people: Sequence[Told], emotions: Sequence[str], stem: Path, endings: Sequence[str]
) -> list[str]:
    """Write what is told of one clip to `stem` with each of `endings`, those of WRITERS.

    `people` are as in `list_tiers`. Returns a sentence on each that cannot be made of the medium.
    """
    lost = []
    for ending in endings:
        try:
            WRITERS[ending](stem.with_name(f"{stem.name}{name_end(ending)}"), people, emotions)
        except MediaError as error:
            lost.append(f"no_{ending}: {error}")
    return lost
