"""Inputs: the feature sets that heads read."""

from pipeline.sections import Name, Section

NO_FEATURES = "none"
"""The feature set of a modality that a head does without."""


class Inputs(Section):
    """Feature set of each modality; `none` for those a head does without."""

    face: str
    scene: str
    audio: str
    text: str

    def sets(self) -> dict[str, str]:
        """Modality → feature set, those that are `none` left out."""
        return {
            modality: name for modality, name in self.model_dump().items() if name != NO_FEATURES
        }


class JointParams(Section):
    """Two feature sets of one modality that heads read as one input: `joint.<name>`.

    Either may be a joint set itself, so that any number of sets can be joined.
    """

    first: Name
    second: Name
