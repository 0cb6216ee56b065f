"""What reading a corpus gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from pipeline.labels.clip_labels import FRAMES_SCHEMA, ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.emotions import Names
from pipeline.store.ledger import Entry


@dataclass(frozen=True)
class Corpus:
    """A corpus read whole.

    `targets` has one row for each of `clips`, in their order, with the official `split` where
    the corpus ships one and, where a usual protocol fixes them, the folds; `frames` is a table
    of FRAMES_SCHEMA, empty where labels are per clip. `quarantine` is clip id → what is wrong with
    a clip that is known to be bad, and who says so; `entries` are of clips whose file is not
    there. `remarks` say what was taken for granted.
    """

    clips: list[Clip]
    targets: list[ClipLabels]
    names: Names
    frames: pa.Table = field(default_factory=FRAMES_SCHEMA.empty_table)
    quarantine: Mapping[str, str] = field(default_factory=dict)
    entries: Sequence[Entry] = ()
    remarks: Sequence[str] = ()
