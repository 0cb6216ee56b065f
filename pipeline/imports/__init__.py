"""Imports: features made elsewhere, from files of several forms into a feature set.

A form is a module with one name, `read(path, wanted) -> Iterator[Series]`: what the file has under
each id. It raises StoreError for a file that it cannot make anything of, unpacks no more than
`limits` allow, and runs nothing that the file says.
"""

from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.families import Family, Member

FORMS = Family(
    "form of file",
    {
        "csd": Member("pipeline.imports.csd"),
        "datasets": Member("pipeline.imports.datasets"),
        "hdf5": Member("pipeline.imports.hdf5"),
        "npy": Member("pipeline.imports.npy"),
        "npz": Member("pipeline.imports.npz"),
        "parquet": Member("pipeline.imports.parquet"),
        "pickled": Member("pipeline.imports.pickled"),
    },
)

SUFFIXES: Mapping[str, str] = {
    ".csd": "csd",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".npy": "npy",
    ".npz": "npz",
    ".parquet": "parquet",
    ".pickle": "pickled",
    ".pkl": "pickled",
}
"""What the name of a file ends with → its form; a folder is one of `datasets`."""


def find_form(path: Path) -> str:
    """Form of what lies at `path`, by its name; raises StoreError where it is of none."""
    if path.is_dir():
        return "datasets"
    if path.suffix.lower() not in SUFFIXES:
        raise StoreError(
            f"{path}: expected a file that ends with {', '.join(SUFFIXES)}, or a folder of "
            f"Hugging Face datasets; name another, or convert it"
        )
    if not path.is_file():
        raise StoreError(f"{path}: no such file; mend its name")
    return SUFFIXES[path.suffix.lower()]
