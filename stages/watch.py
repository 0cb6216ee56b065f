"""Stage `watch`: what DVC says of a corpus's files, for stages that need to know of all corpora."""

from pipeline.files import write_json
from pipeline.labels.watching import digest_watched
from pipeline.params import parse_corpus, read_checked
from pipeline.paths import PROJECT, WATCHED
from pipeline.stage import read_name, run_stage


def main() -> None:
    """Write data/watched/<name>.json."""
    name = read_name()
    params = parse_corpus(read_checked(), name)
    write_json(WATCHED / f"{name}.json", digest_watched(PROJECT, params.depends_on))


if __name__ == "__main__":
    run_stage(main, [WATCHED / f"{read_name()}.json"])
