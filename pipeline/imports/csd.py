"""`.csd`: computational sequences of the CMU Multimodal SDK, rows with the seconds of a video."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import CorpusError, StoreError
from pipeline.imports.series import Series, Wanted, as_rows
from pipeline.labels.corpora.opinions import read_csd


def read(path: Path, wanted: Wanted) -> Iterator[Series]:
    """Series of each video, or of each segment where the file was aligned to some.

    Raises StoreError where it is none; of `wanted` it needs nothing.
    """
    try:
        for name, (features, intervals) in read_csd(path):
            yield Series(str(path), name, as_rows(f"{path}: {name}", features), intervals)
    except CorpusError as error:
        raise StoreError(str(error)) from error
