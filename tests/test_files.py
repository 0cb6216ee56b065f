from pathlib import Path

import pytest

from pipeline.files import walk_folders


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
