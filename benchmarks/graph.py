"""What DVC costs a graph of many heads, beside the work: its stages do nothing here.

    python -m benchmarks.graph --heads 100 --sets 3

A project of its own with the real dvc.yaml files, and so many feature sets for each of face, audio
and text; every head reads three of them. `check` and `premises` are real, all other stages only
touch what they give. Timed are `dvc repro` from nothing, with nothing to do and with one head
edited, once with the heads in dvc.yaml files of their own, as here, and once with all stages in one
(`joined`). What `check` and `premises` take by themselves (`own_seconds`) is left out. Seconds are
of the processor, DVC's and its commands', so that other work on the machine does not count; `wall`
is what a clock says, they included. Goals with 100 heads: `idle_seconds` 4, `edited_seconds` 5,
`stage_seconds` 0.4, the last over all stages of the run from nothing.
"""

import json
import resource
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from ruamel.yaml import YAML

from benchmarks.commands import run_command

PROJECT = Path(__file__).parents[1]
OWN = ("check", "premises")
"""Stages that are real."""

FILES = ("dvc.yaml", "models/dvc.yaml", "reports/dvc.yaml")
ENCODERS = {"face": "hog", "audio": "mfcc", "text": "huggingface_text"}
WEIGHTS = "weights"
"""An empty folder: nobody reads it."""

TOUCH = "sh touch.sh"
SCRIPT = """
for path in "$@"; do
    case $path in
    *.json) mkdir -p "$(dirname "$path")"; echo '{}' >"$path" ;;
    *.*) mkdir -p "$(dirname "$path")"; echo "$path" >"$path" ;;
    *) mkdir -p "$path"; echo "$path" >"$path/store.json"
       for name in alikes clips ledger targets; do echo "$path" >"$path/$name.parquet"; done ;;
    esac
done
"""


class Scratch:
    """A project of its own in the folder `root`, with all stages in one dvc.yaml if `joined`."""

    def __init__(self, root: Path, heads: int, sets: int, *, joined: bool) -> None:
        self.root = root
        for name in ("pipeline", "stages", "features/none"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(PROJECT / name, root / name, ignore=ignored)
        shutil.copy(PROJECT / ".dvcignore", root)
        (root / "touch.sh").write_text(SCRIPT)
        (root / WEIGHTS).mkdir()
        (root / "data" / "raw").mkdir(parents=True)
        for name in ("overrides", "splits"):
            (root / "data" / f"{name}.csv").touch()
        self.write("params.yaml", make_params(heads, sets))
        files = {name: idle_stages(YAML().load(PROJECT / name)) for name in FILES}
        if joined:
            files = {"dvc.yaml": join_files(list(files.values()))}
        for name, content in files.items():
            self.write(name, content)
        run_command(self.root, "dvc", "init", "--quiet", "--no-scm")
        run_command(self.root, "dvc", "config", "cache.type", "hardlink,symlink,copy")

    def write(self, name: str, content: Any) -> None:
        (self.root / name).parent.mkdir(exist_ok=True)
        YAML().dump(content, self.root / name)

    def edit_head(self) -> None:
        """Change one head in the middle."""
        path = self.root / "params.yaml"
        params = YAML().load(path)
        names = list(params["heads"])
        params["heads"][names[len(names) // 2]]["training"]["seed"] += 1
        self.write("params.yaml", params)

    def time_command(self, *command: str) -> dict[str, float]:
        """Seconds of a command: of the processor, and by the clock."""
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        run_command(self.root, *command)
        wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {"seconds": used, "wall": wall}

    def count_lines(self) -> int:
        """Lines of all lock files."""
        return sum(len(path.read_text().splitlines()) for path in self.root.rglob("dvc.lock"))


def make_params(heads: int, sets: int) -> dict[str, Any]:
    """Sections with so many heads, and so many feature sets of each modality."""
    features = {
        f"{modality}_{number}": {"modality": modality, "encoder": encoder}
        for modality, encoder in ENCODERS.items()
        for number in range(sets)
    }
    for entry in features.values():
        if entry["encoder"] == "huggingface_text":
            entry["weights"] = WEIGHTS
    rows = {
        f"head_{number}": {
            "kind": "mlp",
            "inputs": {
                "scene": "none",
                **{modality: f"{modality}_{number % sets}" for modality in ENCODERS},
            },
            "training": {"seed": 0},
        }
        for number in range(heads)
    }
    plain = ("clean", "faces", "transcribe", "evaluate", "report", "engine")
    corpus = {"kind": "table", "root": "data/raw", "depends_on": "data/raw"}
    sections = {"corpora": {"own": corpus}, "splits": {}, **{name: {} for name in plain}}
    return {**sections, "features": features, "heads": rows}


def idle_stages(content: Any) -> Any:
    """A dvc.yaml whose stages touch what they give; those of OWN alone work."""
    for name, entry in content["stages"].items():
        stage = entry.get("do", entry)
        if name not in OWN:
            made = [*stage["outs"], *stage.get("metrics", ())]  # each a path, or one with options
            paths = [one if isinstance(one, str) else next(iter(one)) for one in made]
            stage["cmd"] = " ".join([TOUCH, *paths])
            # Otherwise a head edited would end at its model, which is as before.
            stage["cmd"] += " && date +%s%N >models/${key}/run" if name == "train" else ""
    return content


def join_files(contents: list[Any]) -> Any:
    """All stages in the first of several dvc.yaml files."""
    first, *others = contents
    for other in others:
        for name, entry in other["stages"].items():
            entry["do"].pop("wdir")
            first["stages"][name] = entry
    return first


def measure(project: Scratch, stages: int) -> dict[str, float]:
    """Figures of one layout."""
    reproduce = ("dvc", "repro", "--quiet")
    cold = project.time_command(*reproduce)
    idle = project.time_command(*reproduce)
    project.edit_head()
    edited = project.time_command(*reproduce)
    own = sum(project.time_command("python", "-m", f"stages.{name}")["seconds"] for name in OWN)
    return {
        "idle_seconds": idle["seconds"],
        "edited_seconds": edited["seconds"] - own,
        "stage_seconds": (cold["seconds"] - own) / stages,
        "own_seconds": own,
        "idle_wall": idle["wall"],
        "edited_wall": edited["wall"],
        "stage_wall": cold["wall"] / stages,
        "lock_lines": project.count_lines(),
    }


def main(
    heads: Annotated[int, typer.Option(help="Heads.", min=1)] = 100,
    sets: Annotated[int, typer.Option(help="Feature sets of each modality.", min=1)] = 3,
    joined: Annotated[bool, typer.Option(help="Also time all stages in one dvc.yaml.")] = True,
    folder: Annotated[Path | None, typer.Option(help="Where to make the scratch folder.")] = None,
) -> None:
    """Print what DVC costs."""
    stages = 8 + 3 * sets + 2 * heads
    figures: dict[str, float] = {}
    for layout in ("parted", "joined") if joined else ("parted",):
        with TemporaryDirectory(prefix="moodline-", dir=folder) as scratch:
            project = Scratch(Path(scratch), heads, sets, joined=layout == "joined")
            measured = measure(project, stages)
        print(layout, ", ".join(f"{name} {value:.3g}" for name, value in measured.items()))
        for name, value in measured.items():
            figures[name if layout == "parted" else f"joined_{name}"] = value
    if joined:
        for name in ("idle", "edited", "stage"):
            over = figures[f"{name}_seconds"] / figures[f"joined_{name}_seconds"]
            figures[f"{name}_over_joined"] = over
    print(json.dumps({name: float(f"{value:.3g}") for name, value in figures.items()}))


if __name__ == "__main__":
    typer.run(main)
