"""Watching: what DVC says of the files that a corpus depends on."""

from pathlib import Path


def digest_watched(project: Path, path: str) -> dict[str, str]:
    """`path`, and the digest that DVC has of what is there, as `dvc.lock` will name it.

    DVC knows it from looking whether the stage is to run: nothing is read again. Stage `clean`
    depends on it, since DVC takes no list of dependencies that params.yaml names.
    """
    from dvc.dependency import loads_from  # a second
    from dvc.repo import Repo
    from dvc.stage import Stage

    with Repo(str(project)) as repo:
        stage = Stage(repo, path=str(project / "dvc.yaml"))
        (dependency,) = loads_from(stage, [path])
        return {"path": path, "digest": str(dependency.get_hash().value)}
