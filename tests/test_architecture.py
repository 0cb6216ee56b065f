"""Rooms stand on floors, as docs/architecture.md has them, and imports go down only."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[1]
LIBRARY = PROJECT / "pipeline"


def read_floors() -> dict[str, int]:
    """Room → floor."""
    text = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", text, re.MULTILINE)
    return {room: int(floor) for floor, rooms in rows for room in re.findall(r"`(\w+)`", rooms)}


def list_imports() -> Iterator[tuple[str, str]]:
    """Every import of one room by another, as (file, room)."""
    for path in LIBRARY.rglob("*.py"):
        name = path.relative_to(PROJECT).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for module in modules:
                if module.startswith("pipeline.") and room_of(module) != room_of_file(path):
                    yield name, room_of(module)


def room_of(module: str) -> str:
    return module.split(".")[1]


def room_of_file(path: Path) -> str:
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def test_every_room_has_a_floor():
    rooms = {room_of_file(path) for path in LIBRARY.rglob("*.py")} - {"__init__"}
    assert rooms == set(read_floors())


def test_imports_go_down_only():
    floors = read_floors()
    wrong = {
        f"{name} (floor {floors[room_of_file(PROJECT / name)]}) imports {room} ({floors[room]})"
        for name, room in list_imports()
        if floors[room] >= floors[room_of_file(PROJECT / name)]
    }
    assert wrong == set()
