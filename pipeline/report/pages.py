"""Pages: self-contained HTML made from templates, the same bytes for the same content."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from pipeline.errors import show
from pipeline.evaluation.records import FEW_CLUSTERS, count_units
from pipeline.evaluation.statistics import SIGNIFICANT
from pipeline.files import write_text
from pipeline.modalities import modality_of
from pipeline.report.formats import (
    DASH,
    find_least_covered,
    is_better_low,
    name_metric,
    write_difference,
    write_interval,
    write_number,
    write_p,
    write_share,
)
from pipeline.report.theme import COLOURS, FONT, MONO
from pipeline.sections import write_yaml

_CONFIG = {"displayModeBar": False, "responsive": True}


def write_page(path: Path, template: str, content: Mapping[str, Any]) -> None:
    """Write the page that `template` makes of `content` to `path`, whole."""
    write_text(path, render_page(template, content))


def render_page(template: str, content: Mapping[str, Any]) -> str:
    """The page that `template` makes of `content`."""
    return _environment().get_template(template).render(content)


def embed(figure: go.Figure, name: str) -> Markup:
    """HTML of `figure` as high as its layout says; `name` becomes its id on the page."""
    html = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=re.sub(r"[^\w-]+", "-", name),  # which plotly writes as it is
        default_width="100%",
        default_height=f"{figure.layout.height}px",
        config=_CONFIG,
    )
    return Markup(html)


def _show(value: Any) -> Any:
    """Text of data without what XML forbids; what templates and figures made stays as it is."""
    return show(value) if type(value) is str else value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pipeline.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_show,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        metric=name_metric,
        better_low=is_better_low,
        number=write_number,
        difference=write_difference,
        interval=write_interval,
        p=write_p,
        units=count_units,
        least_covered=find_least_covered,
        yaml=write_yaml,
        modality=modality_of,
    )
    environment.globals.update(
        dash=DASH,
        few=FEW_CLUSTERS,
        significant=SIGNIFICANT,
        share=write_share,
        colours=COLOURS,
        fonts={"text": Markup(FONT), "mono": Markup(MONO)},
        plotlyjs=Markup(get_plotlyjs()),
    )
    return environment
