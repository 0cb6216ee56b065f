"""What `evaluate` in params.yaml says: what is opened, and how sure figures must be."""

from pydantic import Field, PositiveInt

from pipeline.sections import Section


class EvaluateParams(Section):
    """How heads are judged: `evaluate` in params.yaml. Ranking never looks at test."""

    test: bool = False
    confidence: float = Field(0.95, gt=0, lt=1)
    resamples: PositiveInt = 1000
    seed: int = Field(0, ge=0, lt=2**63)
