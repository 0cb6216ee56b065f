"""What `report` in params.yaml says: the head of the page."""

from pipeline.sections import Section


class ReportParams(Section):
    """What the page says at its head."""

    title: str = "Emotion heads compared"
    remark: str = ""
