"""Cards: what a bundle is, for people and for the Hub, as the `README.md` in it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from pipeline.encoders.params import ENCODERS
from pipeline.encoders.shared.facts import find_facts
from pipeline.errors import show_line
from pipeline.evaluation.ranking import list_shown
from pipeline.evaluation.records import Estimate
from pipeline.heads.recipes import Recipe, tell_revision
from pipeline.labels.corpora.params import CORPORA
from pipeline.modalities import modality_of, order_modalities
from pipeline.predictor.bundles import FACES, FOLDER, WORDS, Bundle, Part
from pipeline.report.formats import DASH, name_metric, write_interval, write_number
from pipeline.report.summary import HeadSummary
from pipeline.targets import TARGETS

TEMPLATE = Path(__file__).parents[1] / "report" / "templates" / "card.md.j2"

TASKS = {"text": "text-classification", "audio": "audio-classification"}
"""A head's only modality → its task on the Hub; all that see are `video-classification`."""

PROTOCOLS = {
    "corpus": "Sides are those that its corpora ship.",
    "folds": "Cross-validated in {folds} folds of whole speakers or groups.",
    "leave_one_out": "Cross-validated, each speaker or group left out in turn.",
    "holdout": "Validation and test are of speakers or groups that it was not trained on.",
    "file": "Sides were placed clip by clip.",
}

UNCALIBRATED = (
    "Its chances are not calibrated: what it says with 0.9 need not be right nine times in ten."
)
CALIBRATED = (
    "Its chances were calibrated on validation, by a temperature: elsewhere they may be off."
)

SEVERAL = "Where one of these is missing it goes by the others, and is worse; where all are"

LIMITS = (
    "It says which label people gave to clips such as its corpora hold, not what anybody feels. "
    "Other languages, cultures, cameras and rooms than theirs are not covered by its figures.",
    "Not for decisions about people: not on their work, schooling, health, credit or guilt. Of "
    "people at work and at school the European Union's AI Act forbids it, but for medical and "
    "safety reasons (Regulation 2024/1689, Article 5(1)(f)).",
)


@dataclass(frozen=True)
class Row:
    """A line of the table of metrics."""

    split: str
    title: str
    value: str
    interval: str
    rows: str


def write_card(
    recipe: Recipe, bundle: Bundle, judged: HeadSummary | None, licence: str | None
) -> str:
    """Text of the card: front matter as the Hub reads it, and what people ask.

    `judged` is the head's evaluation, None where there is none; `licence` that of its own weights,
    in the Hub's words.
    """
    targets = _list_targets(recipe)
    card = ModelCard.from_template(
        _write_front(recipe, bundle, judged, licence),
        template_path=str(TEMPLATE),
        head={"name": recipe.head, "kind": recipe.kind},
        said=_join(targets),
        modalities=_join(_list_modalities(recipe)),
        classes=_join([*map(quote_text, recipe.emotions)]) if "emotion" in targets else "",
        extras=_name_extras(recipe),
        reads="text" in _list_modalities(recipe),
        hears=WORDS in bundle.parts,
        metrics=list(_list_metrics(judged)),
        covers=_tell_clusters(judged),
        corpora=[_describe_corpus(name, said) for name, said in _list_trained(recipe).items()],
        splits=_tell_splits(recipe),
        parts=list(_list_parts(recipe, bundle)),
        own="under a licence that nobody named yet" if licence is None else f"under {licence}",
        left_out=[_tell_left_out(n, p) for n, p in bundle.parts.items() if p.path is None],
        limits=list(_list_limits(recipe)),
        version=bundle.version,
        revision=quote_text(tell_revision(recipe)),
        versions=quote_text(", ".join(f"{n} {number}" for n, number in recipe.versions.items())),
    )
    return str(card)


def _write_front(
    recipe: Recipe, bundle: Bundle, judged: HeadSummary | None, licence: str | None
) -> ModelCardData:
    """What the Hub reads of a card."""
    modalities = _list_modalities(recipe)
    task = TASKS.get(modalities[0], "video-classification")
    task = task if len(modalities) == 1 else "video-classification"
    corpora = list(_list_trained(recipe))
    results = list(_list_results(judged, task, corpora))
    return ModelCardData(
        license=licence or "other",
        license_name=None if licence else "not-named",
        library_name="moodline",
        pipeline_tag=task,
        tags=[
            "moodline",
            "emotion-recognition",
            "affective-computing",
            *_list_targets(recipe),
            *modalities,
        ],
        datasets=corpora,
        metrics=list_shown(_list_targets(recipe)),
        base_model=sorted({p.name for p in bundle.parts.values() if p.revision}) or None,
        model_name=recipe.head,
        eval_results=results or None,
    )


def _list_trained(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """Corpora that it was trained on: others only judge it."""
    sections = recipe.sections.corpora.items()
    return {name: said for name, said in sections if said.get("side") != "test"}


def _list_results(
    judged: HeadSummary | None, task: str, corpora: Sequence[str]
) -> Iterator[EvalResult]:
    """What the Hub shows of each metric that is defined; its interval is in the name."""
    for split, metric, estimate in _list_estimates(judged):
        if estimate.value is not None:
            interval = write_interval(estimate)
            yield EvalResult(
                task_type=task,
                dataset_type=corpora[0],
                dataset_name=_join(corpora),
                dataset_split=split,
                metric_type=metric,
                metric_value=round(estimate.value, 6),
                metric_name=name_metric(metric) + (f" ({interval})" if interval else ""),
            )


def _list_estimates(judged: HeadSummary | None) -> Iterator[tuple[str, str, Estimate]]:
    """Split, metric and its estimate, of those that reports show."""
    if judged is not None:
        for split, found in judged.evaluation.splits.items():
            for metric in list_shown(judged.evaluation.targets):
                yield split, metric, found.metrics[metric]


def _list_metrics(judged: HeadSummary | None) -> Iterator[Row]:
    for split, metric, estimate in _list_estimates(judged):
        yield Row(
            split,
            name_metric(metric),
            write_number(estimate.value),
            write_interval(estimate) or DASH,
            f"{estimate.covered:,} of {estimate.annotated:,}",
        )


def _tell_clusters(judged: HeadSummary | None) -> str:
    """What intervals leave out, and of how many."""
    if judged is None:
        return ""
    told = {
        split: f"{found.clusters:,} {found.cluster_unit}s on {split}"
        for split, found in judged.evaluation.splits.items()
    }
    return (
        f"Each run is judged on clips that it was not trained on, of {_join(list(told.values()))}. "
        "What training chooses it chooses on val, whose figures are kinder."
    )


def _describe_corpus(name: str, said: dict[str, Any]) -> dict[str, str]:
    member = CORPORA.find(str(said["kind"]))
    about = {"about": member.about, "licence": member.licence, "source": member.source}
    return {"name": quote_text(str(said.get("called") or name)), **about}


def _tell_splits(recipe: Recipe) -> str:
    """Who was on which side, and how many networks answer."""
    said = recipe.sections.splits
    told = PROTOCOLS.get(str(said.get("protocol")), "").format(folds=said.get("folds"))
    runs = len(recipe.priors)
    return f"{told} Answers are the mean of its {runs:,} runs." if runs > 1 else told


def _list_parts(recipe: Recipe, bundle: Bundle) -> Iterator[dict[str, str]]:
    """Each part of what makes the rows, with or without weights."""
    for source in recipe.inputs.values():
        name, encoder = f"{FOLDER}{source.name}", str(source.params["encoder"])
        if name in bundle.parts:
            yield _write_part(f"{source.name}: {encoder}", bundle.parts[name])
        else:
            facts = find_facts(ENCODERS.load(encoder), ENCODERS.find(encoder).params)
            yield {
                "place": f"{source.name}: {encoder}",
                "name": "none",
                "licence": facts.licence,
                "here": "code of moodline",
            }
    for name, place in {FACES: "faces", WORDS: "words that are heard"}.items():
        if name in bundle.parts:
            yield _write_part(place, bundle.parts[name])


def _write_part(place: str, part: Part) -> dict[str, str]:
    here = "no" if part.path is None else f"`{part.path}`"
    return {
        "place": place,
        "name": _name_weights(part),
        "licence": part.licence or "not known",
        "here": here,
    }


def _name_weights(part: Part) -> str:
    name = quote_text(part.name)
    return name if part.revision is None else f"{name} at {part.revision[:8]}"


def _tell_left_out(name: str, part: Part) -> str:
    """Why a part is not in the bundle, and how to get it."""
    if part.revision is not None:
        remedy = f"they are fetched from the Hub, at {part.revision}"
    else:
        remedy = "get them where they are published; prediction says where it looks for them"
    return f"`{name}`, {quote_text(part.name)}, was left out, for {part.left_out}: {remedy}."


def _list_limits(recipe: Recipe) -> Iterator[str]:
    modalities = _list_modalities(recipe)
    without = SEVERAL if len(modalities) > 1 else "Where that is missing"
    yield (
        f"It reads {_join(modalities)}. {without}, it says nothing: a face that was not found is "
        "a gap, never a guess."
    )
    temperature = recipe.params.get("postprocessing", {}).get("temperature", False)
    yield CALIBRATED if temperature else UNCALIBRATED
    for source in recipe.inputs.values():
        if seen := source.provenance.get("seen_corpora"):
            told = _join([*map(quote_text, seen)])
            yield f"The weights of {source.name} were trained on {told}, too."
    if recipe.params.get("normalisation") == "subject":
        yield "Its figures are of people of whom it had other clips; of a stranger's it has none."
    yield from LIMITS


def _name_extras(recipe: Recipe) -> str:
    """Optional extras of moodline that its encoders and its detector need, in words."""
    members = {str(source.params["encoder"]) for source in recipe.inputs.values()}
    facts = [find_facts(ENCODERS.load(n), ENCODERS.find(n).params) for n in sorted(members)]
    extras = [one.extra for one in facts if one.extra]
    extras += ["retinaface"] * (recipe.sections.faces.get("detector") == "retinaface")
    return f" with its extras `{','.join(extras)}`" if extras else ""


def _list_targets(recipe: Recipe) -> list[str]:
    """What it says: a recipe, which may be a stranger's, may name others beside."""
    return [target for target in recipe.per if target in TARGETS]


def _list_modalities(recipe: Recipe) -> list[str]:
    return [*order_modalities({modality_of(stream) for stream in recipe.inputs})]


def quote_text(text: str) -> str:
    r"""`text` of a recipe, which may be a stranger's, so that Markdown shows it as it stands.

    >>> print(quote_text("<img> [a](javascript:b)\n# c"))
    \<img\> \[a\](javascript:b)\\n# c
    """
    return re.sub(r"[\\`*\[\]<>|&]", r"\\\g<0>", show_line(text))


def _join(words: Sequence[str]) -> str:
    """`words` as people write them: `a, b and c`."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)
