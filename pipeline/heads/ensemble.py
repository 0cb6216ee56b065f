"""Heads that join what several heads of the same inputs say, of any kinds and seeds.

Hansen and Salamon, Neural network ensembles, IEEE Transactions on Pattern Analysis and Machine
Intelligence 12 (1990).
"""

from pipeline.heads.shared.joined import JoinedHead


class Head(JoinedHead):
    """A member for each kind and seed, over all feature sets."""
