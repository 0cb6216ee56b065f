from ruamel.yaml import YAML

from pipeline.audits.leftovers import find_gone, find_leftovers
from pipeline.params import parse_params
from tests.projects import PARAMS


def test_what_no_entry_names_is_left_over(tmp_path):
    made = [
        *(f"features/{name}/store.json" for name in ("hog", "gone", "copied", "none")),
        *(f"models/{name}/recipe.json" for name in ("both", "sound", "old", "weights")),
        *(f"reports/heads/{name}/index.html" for name in ("both", "old")),
        *(f"reports/metrics/{name}.json" for name in ("both", "old")),
        "features/README.md",
    ]
    for name in made:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    locked = ["features/gone", "models/old", "reports/heads/old", "reports/metrics/old.json"]
    entries = "".join(f"    - path: {path}\n      hash: md5\n" for path in locked)
    (tmp_path / "models" / "dvc.lock").write_text(f"stages:\n  some:\n    outs:\n{entries}")
    (tmp_path / "dvc.lock").write_bytes(b"stages:\n  caf\xe9:\n")  # in an old code page
    params = parse_params(YAML(typ="safe", pure=True).load(PARAMS))
    found = [path.relative_to(tmp_path).as_posix() for path in find_leftovers(tmp_path, params)]
    assert found == locked


def test_what_was_made_of_a_corpus_that_is_no_more_is_found(tmp_path):
    (tmp_path / "data" / "watched").mkdir(parents=True)
    for name in ("kept", "gone", "mine"):
        (tmp_path / "data" / "watched" / f"{name}.json").touch()
    made = ("data/watched/kept.json", "data/watched/gone.json")
    (tmp_path / "dvc.lock").write_text("".join(f"    - path: {path}\n" for path in made))
    found = [path.relative_to(tmp_path).as_posix() for path in find_gone(tmp_path, {"kept"})]
    assert found == ["data/watched/gone.json"]
