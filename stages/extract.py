"""Stage `extract@<set>`: one feature set."""

from pipeline.engines import EngineParams
from pipeline.extraction.feature_sets import extract_features
from pipeline.params import parse_feature, parse_plain, read_checked
from pipeline.paths import DATA, FEATURES, LABELS, PROJECT
from pipeline.stage import read_name, run_stage
from pipeline.store.work import locate_work_store


def main() -> None:
    """Write features/<set>."""
    name = read_name()
    sections = read_checked()
    params, engine = parse_feature(sections, name), parse_plain(sections, EngineParams)
    media, out, work = DATA / params.modality, FEATURES / name, locate_work_store(PROJECT)
    trained = LABELS / "trained.parquet"
    extract_features(params, media, out, work, trained=trained, engine=engine)


if __name__ == "__main__":
    run_stage(main, [FEATURES / read_name()])
