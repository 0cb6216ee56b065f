"""Presets: a `params.yaml` for each corpus, written with a link to where the corpus lies.

A preset is a YAML file in this folder. Its first comment that is not for editors says what it is;
a comment `--root: …` says what folder to give, and is absent where none is needed.
"""

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import CorpusError, ParamsError
from pipeline.families import suggest
from pipeline.files import write_text
from pipeline.params import PARAMS_PATH, parse_corpora, read_yaml

FOLDER = Path(__file__).parent
_EDITORS = "yaml-language-server"
_ROOT = "--root: "


@dataclass(frozen=True)
class Preset:
    """One preset; `needs` says what its `--root` is, None where the corpus comes with moodline."""

    name: str
    about: str
    needs: str | None

    @property
    def path(self) -> Path:
        """YAML file of the preset."""
        return FOLDER / f"{self.name}.yaml"


def list_presets() -> list[Preset]:
    """All presets, by name."""
    return [_read_preset(path) for path in sorted(FOLDER.glob("*.yaml"))]


def find_preset(name: str) -> Preset:
    """Preset of this name; raises ParamsError that lists the known ones and the nearest."""
    presets = {preset.name: preset for preset in list_presets()}
    if name not in presets:
        raise ParamsError(f"unknown preset {name!r}; {suggest(name, presets)}")
    return presets[name]


def apply_preset(
    preset: Preset, project: Path, root: Path | None, *, force: bool, text: str | None = None
) -> Path | None:
    """Write `params.yaml` of `project` and link the corpus; returns the link, if there is one.

    `text` stands in for the preset's own. Raises ParamsError where `params.yaml` holds edits and
    `force` is False, and CorpusError where the corpus is not found or a folder stands in the way
    of the link.
    """
    if not (project / "dvc.yaml").is_file():
        raise ParamsError(f"{project.resolve()}: no dvc.yaml; run this in your moodline clone")
    params = project / PARAMS_PATH
    if not force and params.is_file() and not is_unedited(params):
        raise ParamsError(f"{params}: it has edits that no preset has; save them, or add --force")
    link = _link_corpus(preset, project, root)
    write_text(params, preset.path.read_text() if text is None else text)
    return link


def find_folder(preset: Preset, project: Path, root: Path | None) -> Path | None:
    """Folder of the corpus, where it is there: `root`, else what the link in `project` leads to."""
    folder = root or project / find_root(preset)
    return folder.resolve() if folder.is_dir() else None


def find_root(preset: Preset) -> Path:
    """Where the corpus of `preset` lies in a project."""
    corpus, *_ = parse_corpora(read_yaml(preset.path)).values()
    return Path(corpus.root)


def is_unedited(params: Path) -> bool:
    """Whether the file at `params` is, byte for byte, some preset."""
    found = params.read_bytes()
    return any(found == preset.path.read_bytes() for preset in list_presets())


def _read_preset(path: Path) -> Preset:
    lines = path.read_text().splitlines()
    comments = [line.removeprefix("# ") for line in lines if line.startswith("# ")]
    about = next(comment for comment in comments if not comment.startswith(_EDITORS))
    needs = [comment.removeprefix(_ROOT) for comment in comments if comment.startswith(_ROOT)]
    return Preset(path.stem, about, next(iter(needs), None))


def _link_corpus(preset: Preset, project: Path, root: Path | None) -> Path | None:
    """Link to `root` at the place that the preset names, made or pointed there anew."""
    if preset.needs is None:
        if root is not None:
            raise ParamsError(f"preset {preset.name}: it needs no --root; leave it out")
        return None
    link = project / find_root(preset)
    if root is None:
        if not link.is_dir():
            raise CorpusError(f"preset {preset.name}: add --root DIR, {preset.needs}")
        return link
    if not root.is_dir():
        raise CorpusError(f"{root}: no such folder; --root is {preset.needs}")
    _point_link(link, root.resolve())
    return link


def _point_link(link: Path, target: Path) -> None:
    if link.resolve() == target:
        return
    if link.exists() and not link.is_symlink():
        raise CorpusError(f"{link}: a folder, not a link; move it away, or leave --root out")
    link.unlink(missing_ok=True)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target, target_is_directory=True)
