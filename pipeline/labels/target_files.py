"""The files of `data/targets`: what heads are told of clips, neither where these are nor words."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa

from pipeline.labels.clip_labels import FRAMES_SCHEMA, ClipLabels, write_targets
from pipeline.labels.dialogues import Turn, write_turns
from pipeline.labels.emotions import Names, write_names
from pipeline.store.tables import write_table

NO_TURNS: Mapping[str, Turn] = MappingProxyType({})


def write_target_files(
    folder: Path,
    targets: Iterable[ClipLabels],
    names: Names,
    *,
    frames: pa.Table | None = None,
    turns: Mapping[str, Turn] = NO_TURNS,
) -> None:
    """Write the labels of clips and of frames, the turns that clips are, and names of classes.

    Each file appears whole. Raises CorpusError for more emotions than any corpus has.
    """
    write_targets(folder / "targets.parquet", targets)
    write_table(folder / "frames.parquet", frames or FRAMES_SCHEMA.empty_table())
    write_turns(folder / "dialogues.parquet", turns)
    write_names(folder / "names.json", names)
