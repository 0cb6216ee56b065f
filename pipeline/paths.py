"""Where the artefacts lie, relative to the project that a team clones."""

from pathlib import Path

PROJECT = Path()
OVERRIDES = Path("data/overrides.csv")
SPLITS = Path("data/splits.csv")
CHECKED = Path("data/checked")
CHECKED_PARAMS = Path("data/checked/params.yaml")
"""params.yaml as `check` found it, which the other stages read."""

CHECKED_HERE = Path(".dvc/tmp/checked.digest")
"""Digest of the last such file that was params.yaml on this machine; neither git nor DVC has it."""

CHECKED_CODE = Path("data/checked/code.digest")
"""Digest of all sources as `check` found them."""

PREMISES = Path("data/premises")

WATCHED = Path("data/watched")
"""What DVC says of the files of each corpus, by its name; in git."""

LABELS = Path("data/labels")
TARGETS = Path("data/targets")
DATA = Path("data")
IMPORTED = Path("data/imported")
CLIPS = Path("data/clips")
FEATURES = Path("features")
MODELS = Path("models")
METRICS = Path("reports/metrics")
SWEEPS = Path("reports/sweeps")
HEAD_REPORTS = Path("reports/heads")
FACE_SHEET = Path("reports/faces.svg")
FACE_COUNTS = Path("reports/faces.json")
LABELS_PAGE = Path("reports/labels.html")
PAGE = Path("reports/index.html")
