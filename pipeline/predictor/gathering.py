"""Gathering: the files, folders and patterns that a person names → clips, each with a name."""

import glob
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, count
from pathlib import Path

from pipeline.errors import CorpusError
from pipeline.files import is_text, walk_folders
from pipeline.labels.clips import NO_MEDIA, Clip
from pipeline.labels.texts import open_text
from pipeline.limits import MOST_CLIPS
from pipeline.media.opening import PICTURES
from pipeline.presets.media import FILMED, SOUNDING

CORPUS = "media"
"""Corpus of new media: that of no head, so nothing that a head knows of its own corpora is used."""

TEXTS = frozenset({".txt"})

ENDINGS = FILMED | SOUNDING | PICTURES | TEXTS
"""What a folder is searched for; a file that is named may be called anything."""

WORK = ".moodline"
"""Folder of results of what was packed and encoded on the way: a second call finds it there."""

NO_NAMES = frozenset({".", "..", WORK})
"""What no medium is called, nor a folder of it: folders that are not for its results."""

RESULTS = frozenset({".csv", ".eaf", ".html", ".mp4", ".parquet", ".png", ".textgrid", ".vtt"})
"""Ends of the names of results, where no folder of others may be."""

FILM = ".annotated.mp4"

DRAWN = (".timeline.png", ".distribution.png", ".heatmap.png", FILM)
"""Ends of the names of results, which may lie beside the media."""

MOST_LETTERS = 100_000
"""Of a text: a long book has a million, and no encoder reads more than some thousand."""


def gather_media(given: Sequence[str]) -> list[Clip]:
    """Clips of the media that `given` names, in order, each once: files, folders, patterns.

    A clip's id is `media/` and what `name_media` has it called. A text beside a recording, of the
    same name but for the ending, is what is said in it, named or not; any other text is a clip of
    words alone. One that cannot be read (`explain_text`) is a clip of its own without words.
    Raises CorpusError for a path that is not there, and where there are no media.
    """
    found = {path: top for name in given for path, top in _find_files(name)}
    recordings = [path for path in found if path.suffix.lower() not in TEXTS]
    for path in recordings:
        if (beside := path.with_suffix(".txt")).is_file():
            found.setdefault(beside, found[path])
    texts = {path.with_suffix(""): path for path in found if path.suffix.lower() in TEXTS}
    words = {path: None if explain_text(path) else _read_words(path) for path in texts.values()}
    said = {path: words.get(texts.get(path.with_suffix(""), path)) for path in recordings}
    spoken = frozenset(path.with_suffix("") for path in recordings)
    alone = {p: own for p, own in words.items() if own is None or p.with_suffix("") not in spoken}
    chosen = {path: top for path, top in found.items() if path in said or path in alone}
    if not chosen:
        told = ", ".join(given) or "nothing"
        raise CorpusError(f"predict: expected films, sounds, pictures or texts, got {told}")
    if len(chosen) > MOST_CLIPS:
        raise CorpusError(f"predict: expected at most {MOST_CLIPS:,} files; name fewer folders")
    return [
        Clip(
            clip_id=f"{CORPUS}/{name}",
            corpus=CORPUS,
            path=NO_MEDIA if alone.get(path) is not None else os.fspath(path),
            transcript={**said, **alone}[path],
        )
        for path, name in zip(chosen, name_media(chosen), strict=True)
    ]


def explain_text(path: Path) -> str | None:
    """Why the text at `path` cannot be read; None of one that can, and of other files."""
    if path.suffix.lower() not in TEXTS:
        return None
    try:
        words = _read_words(path)
    except UnicodeDecodeError:
        return "unreadable: expected UTF-8, got other bytes; save it as UTF-8"
    if len(words) > MOST_LETTERS:
        return f"too_long: expected at most {MOST_LETTERS:,} letters; part the text"
    return None


def name_media(found: Mapping[Path, Path]) -> list[str]:
    """A name for each path of `found` (path → the folder that was named, or that it lies in).

    It is the path below that folder, as far as no other has the same: else with its ending, and
    else with a number. A name is a folder of results as well: none lies outside of theirs, or
    where a table of all media is to lie.

    >>> top = Path("in")
    >>> name_media({top / "a/1.mp4": top, top / "b/1.mp4": top, top / "b/1.wav": top})
    ['a/1', 'b/1.mp4', 'b/1.wav']
    >>> name_media({Path("x/talk.mp4"): Path("x"), Path("y/talk.mp4"): Path("y")})
    ['talk.mp4', 'talk.mp4-2']
    """
    below = [_clear_folders(Path(os.path.relpath(path, top))) for path, top in found.items()]
    counts = Counter(path.with_suffix("") for path in below)
    names: dict[str, None] = {}
    for path in below:
        plain, whole = path.with_suffix(""), path.as_posix()
        numbered = (whole if number == 1 else f"{whole}-{number}" for number in count(1))
        tried = chain([plain.as_posix()] if counts[plain] == 1 else [], numbered)
        names[next(one for one in tried if _is_free(one, names))] = None
    return list(names)


def _is_free(name: str, taken: Collection[str]) -> bool:
    fit = NO_NAMES.isdisjoint(name.split("/")) and not name.endswith(".csv")
    return fit and name not in taken


def _clear_folders(path: Path) -> Path:
    """`path`, whose folders are not called as results are.

    >>> _clear_folders(Path("mlp.csv/talk.mp4"))
    PosixPath('mlp.csv_/talk.mp4')
    """
    folders = path.parts[:-1]
    cleared = (f"{one}_" if Path(one).suffix.lower() in RESULTS else one for one in folders)
    return Path(*cleared, path.name)


def name_kind(clip: Clip) -> str:
    """What a medium is for people: a `film`, a `picture`, `sound` or `text`."""
    if clip.path == NO_MEDIA:
        return "text"
    if Path(clip.path).suffix.lower() in PICTURES:
        return "picture"
    return "sound" if clip.fps is None else "film"


def _find_files(name: str) -> Iterator[tuple[Path, Path]]:
    """Files that one name stands for, each with the folder that its own name is to be below."""
    path = Path(name)
    if path.exists() or not glob.has_magic(name):
        matched = [path]
    else:
        matched = sorted(map(Path, glob.glob(name, recursive=True)))
    if not matched or not all(one.is_dir() or one.is_file() for one in matched):
        raise CorpusError(f"{name}: no such file; name a file, a folder or a pattern")
    for one in matched:
        inner = _list_folder(one) if one.is_dir() else [one]
        for file in inner:
            if not is_text(os.fspath(file)):
                raise CorpusError(f"{file}: expected a name in UTF-8, got other bytes; rename it")
            yield file, one if one.is_dir() else one.parent


def _list_folder(folder: Path) -> list[Path]:
    """Media and texts below `folder`, in order; others, hidden ones and DRAWN are passed over."""
    found = []
    for inner, folders, names in walk_folders(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        known = (name for name in names if Path(name).suffix.lower() in ENDINGS)
        found += [Path(inner, n) for n in known if not n.startswith(".") and not n.endswith(DRAWN)]
    return sorted(found)


def _read_words(path: Path) -> str:
    """What a text says, and of a very long one the beginning."""
    with open_text(path) as file:
        return file.read(MOST_LETTERS + 1)
