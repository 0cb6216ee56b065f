"""Faces: detectors find them in frames, tracks tell persons apart, crops cut them out.

A detector is a module with two names:

- `Detector`, a `faces.contract.Detector`;
- `place_weights(weights) -> list[Path]`, the files it needs, of `faces.weights` in params.yaml
  or, where that is None, from their usual place; empty for a detector that needs none. Raises
  ParamsError where one is not there;

and where it knows `find_licence(path) -> str | None`, what the published file at `path` is under,
in the Hub's words.
"""

from dataclasses import dataclass

from pipeline.families import Family, Member


@dataclass(frozen=True)
class DetectorMember(Member):
    """A row of the table of detectors: `needs_weights` where it cannot do without files of them."""

    needs_weights: bool


DETECTORS = Family(
    "detector",
    {
        "retinaface": DetectorMember("pipeline.faces.retinaface", needs_weights=True),
        "mtcnn": DetectorMember("pipeline.faces.mtcnn", needs_weights=True),
        "yunet": DetectorMember("pipeline.faces.yunet", needs_weights=True),
        "cascade": DetectorMember("pipeline.faces.cascade", needs_weights=False),
        "given": DetectorMember("pipeline.faces.given", needs_weights=False),
        "whole": DetectorMember("pipeline.faces.whole", needs_weights=False),
    },
)
"""The best of those that search come first."""

GIVEN = "given"
"""The detector that takes the crops a corpus ships, in place of the video's frames."""

AUTO = "auto"
"""Stands for the first of DETECTORS that has the weights it needs."""
