"""Media below a folder, and how the cells of a table name them."""

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline.files import walk_folders
from pipeline.labels.corpora.columns import fill_path, list_fields
from pipeline.labels.corpora.sheets import Sheet
from pipeline.labels.inside import tell_below

_FILMED = "mp4 mkv avi mov webm flv wmv mpg mpeg m4v ts mts ogv vob 3gp"
_SOUNDING = "wav flac mp3 ogg oga m4a aac wma opus aif aiff au"
FILMED = frozenset(f".{ending}" for ending in _FILMED.split())
SOUNDING = frozenset(f".{ending}" for ending in _SOUNDING.split())

SAMPLE = 200
"""Rows by which it is found what names the media."""

LEAST = 0.5
"""Share of these rows whose file must be there."""


@dataclass(frozen=True)
class MediaFiles:
    """Media files, by their paths below the root of a corpus."""

    paths: Sequence[str]

    @property
    def filmed(self) -> bool:
        """Whether any is a film."""
        return any(PurePosixPath(path).suffix.lower() in FILMED for path in self.paths)

    @property
    def sounding(self) -> bool:
        """Whether any is sound alone."""
        return any(PurePosixPath(path).suffix.lower() in SOUNDING for path in self.paths)


@dataclass(frozen=True)
class PathFound:
    """What a clip's path is: a column, or a `template` of columns; how many files are there.

    `single` tells whether no two rows have the same.
    """

    column: str | None
    template: str | None
    there: int = 0
    single: bool = False


def list_media(root: Path) -> MediaFiles:
    """Media files below `root`, links followed but for those to folders that lie elsewhere."""
    found, is_below = [], tell_below(root)
    for folder, inner, names in walk_folders(root):
        inner[:] = [name for name in inner if is_below(os.path.join(folder, name))]
        below = Path(folder).relative_to(root)
        known = (name for name in names if Path(name).suffix.lower() in FILMED | SOUNDING)
        found += [(below / name).as_posix() for name in known]
    return MediaFiles(sorted(found))


def find_path(sheet: Sheet, media: MediaFiles) -> PathFound | None:
    """What names the media in a table; a column called `path` where nothing does."""
    known = frozenset(media.paths)
    counts = _count_templates(sheet, media, known)
    best = max(counts, key=counts.__getitem__, default="")
    if counts.get(best, 0) <= LEAST * min(len(sheet.places), SAMPLE):
        named = next((name for name in sheet.columns if name.casefold() in NAMES), None)
        if named is None:
            return None
        best = f"{{{named}}}"
    paths = _fill(best, sheet, len(sheet.places))
    there, single = sum(path in known for path in paths), len(set(paths)) == len(paths)
    whole = re.fullmatch(r"\{([^{}:]+)\}", best)
    if whole:
        return PathFound(whole[1], None, there, single)
    return PathFound(None, best, there, single)


NAMES = ("path", "file", "filename", "file_name", "filepath", "file_path", "video", "audio", "wav")
"""What people call the column of paths."""


def _count_templates(sheet: Sheet, media: MediaFiles, known: Collection[str]) -> dict[str, int]:
    """Ways in which columns may name files → how many of the first rows' are `known`.

    They do it alone, in the commonest folders, with their endings. A table may have hundreds of
    columns, so each is filled in once, and what is no file's name is passed over.
    """
    paths = [PurePosixPath(path) for path in media.paths]
    called = {name for path in paths for name in (path.name, path.stem)}
    plain = [path for path in paths if not set(str(path)) & set("{}")]
    endings = _rank(path.suffix for path in plain)
    folders = _rank(path.parent.as_posix() for path in plain)
    columns = [name for name in sheet.columns if not set(name) & set("{}:")]
    simple = {re.sub(r"[^a-z]", "", name.casefold()): name for name in columns}
    stems = [f"{{{name}}}" for name in columns]
    if {"dialogueid", "utteranceid"} <= simple.keys():
        # MELD calls its files so.
        stems.append(f"dia{{{simple['dialogueid']}}}_utt{{{simple['utteranceid']}}}")
    counts = {}
    for stem in stems:
        filled = filter(None, _fill(stem, sheet, SAMPLE))
        names = [name for name in filled if name.rpartition("/")[2] in called]
        for folder in ["", *(f"{folder}/" for folder in folders if folder != ".")]:
            for ending in ["", *endings]:
                made = (f"{folder}{name}{ending}" for name in names)
                counts[f"{folder}{stem}{ending}"] = sum(path in known for path in made)
    return counts


def _rank(words: Iterable[str]) -> list[str]:
    return [word for word, _ in Counter(words).most_common(5)]


def _fill(template: str, sheet: Sheet, count: int) -> list[str | None]:
    """Path that `template` makes of each of the first `count` rows, None where it makes none."""
    columns = {name: sheet.columns[name][:count] for name in list_fields(template)}
    rows = (dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True))
    return [_fill_row(template, row) for row in rows]


def _fill_row(template: str, row: Mapping[str, object]) -> str | None:
    try:
        return PurePosixPath(fill_path(template, row)).as_posix()
    except ValueError:
        return None
