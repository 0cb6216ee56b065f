"""Stage `corpus`: one corpus's own files → what it holds, before it is joined with others."""

from pathlib import Path

from pipeline.files import write_json
from pipeline.labels.reading import read_corpus, write_corpus
from pipeline.labels.watching import digest_watched
from pipeline.params import parse_corpus, read_checked
from pipeline.paths import CORPORA, PROJECT, WATCHED
from pipeline.stage import held_still, read_name, run_stage


def main() -> None:
    """Write data/corpora/<name> and, for stage `clean`, data/watched/<name>.json."""
    name = read_name()
    params = parse_corpus(read_checked(), name)
    with held_still(Path(params.depends_on)):
        corpus = read_corpus(params, name)
    write_corpus(CORPORA / name, corpus)
    write_json(WATCHED / f"{name}.json", digest_watched(PROJECT, params.depends_on))


if __name__ == "__main__":
    name = read_name()
    run_stage(main, [CORPORA / name, WATCHED / f"{name}.json"])
