"""How pages and figures look: one palette, one font, one plotly template."""

import plotly.graph_objects as go

INK = "#1b2430"
SOFT = "#55606f"
FAINT = "#8b95a3"
LINE = "#e2e6ec"
WASH = "#f6f8fa"
PAPER = "#ffffff"
ACCENT = "#1d5c96"
TINT = "#dfeaf5"
AGAINST = "#b4540a"
AGAINST_TINT = "#fbe9da"

MODALITY_COLOURS = {"face": "#0072b2", "scene": "#009e73", "audio": "#d55e00", "text": "#aa4499"}
PALETTE = ("#0072b2", "#009e73", "#d55e00", "#56b4e9", "#aa4499", "#e69f00", "#004166", "#882255")
"""Told apart by colour-blind eyes: Okabe and Ito, Color Universal Design, 2008, and neighbours."""

SCALE = [(0.0, PAPER), (0.02, "#e9f1f8"), (0.5, "#9dbddd"), (1.0, "#174a7c")]
"""One hue, from paper to dark: shares and densities."""

FONT = "Inter, 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace"

COLOURS = {
    "ink": INK,
    "soft": SOFT,
    "faint": FAINT,
    "line": LINE,
    "wash": WASH,
    "paper": PAPER,
    "accent": ACCENT,
    "tint": TINT,
    "against": AGAINST,
    "against-tint": AGAINST_TINT,
    **MODALITY_COLOURS,
}
"""Names of colours in the style sheet."""

_AXIS = {
    "gridcolor": LINE,
    "linecolor": LINE,
    "zeroline": False,
    "ticks": "outside",
    "ticklen": 5,
    "tickcolor": PAPER,
    "automargin": True,
    "fixedrange": True,
    "title": {"font": {"size": 12, "color": SOFT}, "standoff": 8},
    "tickfont": {"size": 11, "color": SOFT},
}

TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 12, "color": INK},
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "margin": {"l": 8, "r": 12, "t": 28, "b": 8},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "hoverlabel": {"bgcolor": PAPER, "bordercolor": LINE, "font": {"family": FONT, "size": 12}},
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
            "font": {"size": 11, "color": SOFT},
            "itemclick": False,
            "itemdoubleclick": False,
        },
        "annotationdefaults": {"font": {"size": 12, "color": SOFT}, "showarrow": False},
        "hovermode": "closest",
    }
)
