"""What counts as the code of a program, on small packages."""

from pathlib import Path
from textwrap import dedent

import pytest

from pipeline.code import Code, read_module

SOURCES = {
    "pipeline/__init__.py": "",
    "stages/__init__.py": "import os\nos.environ.setdefault('A', 'B')",
    "stages/train.py": """
        from pipeline.heads import HEADS
        from pipeline.losses import loss
        from pipeline import border

        def main():
            from pipeline.lazy import late
            HEADS.load("mlp")
            loss(1)
            border.parse()
    """,
    "pipeline/border.py": "from pipeline.unread import unread\ndef parse(): unread()",
    "pipeline/unread.py": "def unread(): pass",
    "pipeline/losses.py": '''
        """Losses."""
        import numpy as np
        from pipeline.unused import unused

        SCALE = 2  # a reason

        def loss(x):
            """What comes back."""
            return np.abs(x) * SCALE

        def other():
            return unused()
    ''',
    "pipeline/unused.py": "def unused(): pass",
    "pipeline/lazy.py": """
        late = "late.html"
        "A string, and\\n\\na blank line."
    """,
    "pipeline/late.html": 'include "part.css"',
    "pipeline/part.css": "body {}",
    "pipeline/families.py": "class Family: pass",
    "pipeline/heads.py": """
        from pipeline.families import Family
        from pipeline.options import Mlp, Beit

        HEADS = Family("head", {"mlp": ("pipeline.mlp", Mlp), "beit": ("pipeline.beit", Beit)})
    """,
    "pipeline/options.py": "class Mlp:\n    width = 1\n\nclass Beit:\n    layers = 1",
    "pipeline/mlp.py": "class Head: pass",
    "pipeline/beit.py": "class Head: pass",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, source in SOURCES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(source))
    return tmp_path


def digest(root: Path) -> dict[str, str]:
    return Code(root, ["pipeline.border"]).digest("stages.train", {"head": ["mlp"]})


def change(root: Path, name: str, old: str, new: str) -> set[str]:
    """Modules of the program whose digest is another after an edit."""
    before = digest(root)
    path = root / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    after = digest(root)
    return {name for name in before | after if before.get(name) != after.get(name)}


def test_all_that_is_reached_counts(root: Path) -> None:
    assert set(digest(root)) == {
        "pipeline.families",
        "pipeline.heads",
        "pipeline.lazy",
        "pipeline.losses",
        "pipeline.mlp",
        "pipeline.options",
        "pipeline/late.html",
        "pipeline/part.css",
        "stages",
        "stages.train",
    }


@pytest.mark.parametrize(
    ("name", "old", "new", "changed"),
    [
        ("pipeline/losses.py", "np.abs(x)", "np.abs(-x)", "pipeline.losses"),
        ("pipeline/losses.py", "SCALE = 2", "SCALE = 3", "pipeline.losses"),
        ("pipeline/losses.py", "import numpy as np", "import torch as np", "pipeline.losses"),
        ("pipeline/lazy.py", '"late.html"', '"Late.html"', "pipeline.lazy"),
        ("pipeline/part.css", "{}", "{ }", "pipeline/part.css"),
        ("pipeline/mlp.py", "pass", "x = 1", "pipeline.mlp"),
        ("pipeline/options.py", "width = 1", "width = 2", "pipeline.options"),
        ("stages/__init__.py", "'B'", "'C'", "stages"),
    ],
)
def test_what_a_program_runs_changes_its_digest(
    root: Path, name: str, old: str, new: str, changed: str
) -> None:
    assert changed in change(root, name, old, new)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("pipeline/losses.py", "# a reason", "# another"),
        ("pipeline/losses.py", '"""What comes back."""', '"""Something\n\n    else."""'),
        ("pipeline/losses.py", "def loss", "\n\n\ndef loss"),
        ("pipeline/losses.py", "def other():", "def other():\n    print()"),
        ("pipeline/unused.py", "pass", "return 1"),
        ("pipeline/unread.py", "pass", "return 1"),
        ("pipeline/beit.py", "pass", "x = 1"),
        ("pipeline/options.py", "layers = 1", "layers = 2"),
        ("pipeline/heads.py", '"beit":', '"bite": ("pipeline.bite", None), "beit":'),
    ],
)
def test_what_a_program_does_not_run_leaves_its_digest(
    root: Path, name: str, old: str, new: str
) -> None:
    assert change(root, name, old, new) == set()


def test_what_stands_before_a_last_docstring_counts(root: Path) -> None:
    (root / "pipeline/mlp.py").write_text('class Head(Former):\n  """."""')
    assert change(root, "pipeline/mlp.py", "Former", "Latter") == {"pipeline.mlp"}


def test_a_blank_line_in_a_string_counts(root: Path) -> None:
    (root / "pipeline/lazy.py").write_text('late = """a\nb"""')
    assert change(root, "pipeline/lazy.py", "a\nb", "a\n\nb") == {"pipeline.lazy"}


def test_a_module_imported_as_a_whole_counts_whole(root: Path) -> None:
    change(root, "stages/train.py", "from pipeline.losses import loss", "import pipeline.losses")
    changed = change(root, "pipeline/losses.py", "return unused()", "return -unused()")
    assert changed == {"pipeline.losses"}


def test_members_of_a_family_that_is_not_told_apart_all_count(root: Path) -> None:
    assert "pipeline.beit" in Code(root).digest("stages.train", {})


def test_a_name_that_a_package_hands_on_is_found_where_it_is_defined(root: Path) -> None:
    (root / "pipeline/__init__.py").write_text("from .losses import loss as lost")
    (root / "stages/train.py").write_text("from pipeline import lost\nlost(1)")
    assert ("pipeline.losses", "loss") in Code(root).reach("stages.train", {}).places


@pytest.mark.parametrize(
    "crowded",
    [
        'a = """x\n\n"""; b = """y\n\n"""',
        "a = [\n 1]; b = 3  # c",
        'a = """\nx"""; b = "#"',
        'a = """\n# """; b = 3',
    ],
)
def test_statements_on_one_line_are_read_with_the_whole_file(crowded: str) -> None:
    module = read_module(f"{crowded}\n# a comment\nc = 1\n", "")
    texts = [piece.text for found in module.definitions.values() for piece in found]
    assert {"a", "b", "c"} == set(module.definitions)
    assert not any("comment" in text for text in texts)
