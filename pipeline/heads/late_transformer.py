"""Heads in which streams attend to one another after their conv stages.

The `lt` of Chumachenko, Iosifidis and Gabbouj, ICPR 2022 (`heads.shared.staged`). Corrected: each
row keeps itself beside what it is told, or a missing stream would leave the other with nothing.
"""

from pipeline.heads.shared.staged import StagedHead


class Head(StagedHead):
    """Two conv stages of each stream, then attention between all ordered pairs."""

    late = True
