from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.files import measure_tree, protect, remove, walk_folders
from pipeline.imports import datasets
from pipeline.imports.series import Wanted
from pipeline.labels.folders import check_folder
from pipeline.labels.inside import check_links
from pipeline.stage import run_stage
from tests.makers import lay_deep


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Folders `b/c` and `d`, with links `a` to the second and `b/up` to all of them."""
    for place in ("b/c/2", "b/c/1", "d/3"):
        path = tmp_path / "root" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "root" / "a").symlink_to("d")
    (tmp_path / "root" / "b" / "up").symlink_to(tmp_path)
    return tmp_path / "root"


def test_each_folder_is_walked_once_by_its_own_name(root: Path) -> None:
    names = {Path(folder): files for folder, _, files in walk_folders(root)}
    assert names.pop(root / "b" / "up") == []  # from where the way leads back
    assert names == {root: [], root / "b": [], root / "b/c": ["1", "2"], root / "d": ["3"]}


def test_a_folder_that_is_taken_out_is_not_walked(root: Path) -> None:
    walked = []
    for folder, inner, _ in walk_folders(root):
        walked.append(Path(folder))
        inner[:] = [name for name in inner if name == "d"]
    assert walked == [root, root / "d"]


@pytest.mark.parametrize(
    "walk",
    [
        measure_tree,
        protect,
        remove,
        check_links,
        lambda path: list(walk_folders(path)),
        lambda path: list(datasets.read(path, Wanted(modality="audio"))),
        lambda path: check_folder(path, follow=False),
    ],
)
def test_folders_that_lie_too_deep_end_every_walk(
    tmp_path: Path, walk: Callable[[Path], object]
) -> None:
    with (
        lay_deep(tmp_path / "deep") as deep,
        pytest.raises(OSError, match=r"Folders lie too deep within one another: '.*/deep'$"),
    ):
        walk(deep)


def test_a_stage_tells_of_folders_that_lie_too_deep_in_a_line(tmp_path: Path) -> None:
    with (
        lay_deep(tmp_path / "deep") as deep,
        pytest.raises(SystemExit, match=r"too deep within one another: '.*/deep'; mend or remove"),
    ):
        run_stage(lambda: check_links(deep), [])
