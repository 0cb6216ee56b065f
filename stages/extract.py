"""Stage `extract@<set>`: one feature set."""

import sys

from pipeline.extraction import extract_features
from pipeline.params import parse_feature, read_yaml
from pipeline.paths import DATA, FEATURES, PROJECT
from pipeline.stage import run_stage
from pipeline.store.work import locate_work_store


def main() -> None:
    """Write features/<set>."""
    name = sys.argv[1]
    params = parse_feature(read_yaml(), name)
    work = locate_work_store(PROJECT)
    extract_features(params, DATA / params.modality, FEATURES / name, work)


if __name__ == "__main__":
    run_stage(main)
