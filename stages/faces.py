"""Stage `faces`: the people of each clip, their face crops, and whole frames if asked for."""

from pipeline.engines import EngineParams
from pipeline.faces.params import FacesParams
from pipeline.faces.stores import pack_faces
from pipeline.labels.clips import CLEAN_SCHEMA, read_clips
from pipeline.labels.inside import check_inside
from pipeline.params import parse_corpora, parse_plain, read_checked
from pipeline.paths import CLIPS, DATA, PROJECT
from pipeline.stage import run_stage
from pipeline.store.work import locate_work_store


def main() -> None:
    """Write data/face, data/tracks and data/scene."""
    sections = read_checked()
    params, engine = parse_plain(sections, FacesParams), parse_plain(sections, EngineParams)
    clips = read_clips(CLIPS / "clips.parquet", CLEAN_SCHEMA)
    check_inside(clips, parse_corpora(sections))  # the table may be a stranger's
    work = locate_work_store(PROJECT)
    pack_faces(clips, params, DATA, work, engine=engine)


if __name__ == "__main__":
    run_stage(main, [DATA / "face", DATA / "tracks", DATA / "scene"])
