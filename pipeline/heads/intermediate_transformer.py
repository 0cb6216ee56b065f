"""Heads in which streams attend to one another between their conv stages.

The `it` of Chumachenko, Iosifidis and Gabbouj, ICPR 2022 (`heads.shared.staged`).
"""

from pipeline.heads.shared.staged import StagedHead


class Head(StagedHead):
    """What other streams answer is added to each row between its two conv stages."""
