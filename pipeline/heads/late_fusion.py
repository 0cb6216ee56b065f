"""Heads that join what heads of one modality each say.

Late fusion of the RAVDESS system: a head of faces over time and one of sound, and the mean of their
chances. Corrected: answers are of the same window of time, where the system stretched the chances
of sound over as many frames as faces were found in; and a modality that is absent has no say.
"""

from pipeline.heads.shared.joined import JoinedHead


class Head(JoinedHead):
    """A member for each modality, over all its feature sets."""
