"""Adjusting: what a head's answers are postprocessed by, fitted on validation alone."""

import math
from collections.abc import Iterator, Mapping
from operator import itemgetter

import numpy as np
from jaxtyping import Float, Int64

from pipeline.errors import TrainingError
from pipeline.evaluation.metrics import Pairs, score_targets
from pipeline.heads.postprocessing_params import PostprocessingParams
from pipeline.heads.recipes import TEMPERATURES, Adjustment
from pipeline.heads.shared.params import HeadParams, Per
from pipeline.labels.runs import Run, list_runs, split_clips
from pipeline.prediction.answers import Predicted, postprocess, predict_clips
from pipeline.prediction.calibration import LEAST_CHANCE, calibrate
from pipeline.prediction.held_out import (
    Asked,
    Trained,
    ask_targets,
    choose_classes,
    find_answers,
)
from pipeline.targets import TARGETS, Target
from pipeline.windows.dataset import WindowDataset
from pipeline.windows.labels import Labels

Answered = Mapping[str, Predicted]
"""clip_id → what a head says of it."""


def fit_adjustments(trained: Trained, labels: Labels) -> dict[str, dict[str, Adjustment]]:
    """Run → target → what suits what its head says of the clips that it was chosen by.

    Raises TrainingError where they do not tell, and where series are asked for and there are none.
    """
    params = trained.params
    if params.postprocessing.of_frames and not labels.framed & set(params.targets):
        raise TrainingError(
            f"postprocessing: expected targets that are labelled frame by frame, got "
            f"{', '.join(params.targets)}, all by clip; leave out smoothing and gap_seconds"
        )
    runs = list_runs(labels.targets.values())
    return {run.name: dict(_fit_run(trained, labels, run)) for run in runs}


def _fit_run(trained: Trained, labels: Labels, run: Run) -> Iterator[tuple[str, Adjustment]]:
    params, clips = trained.params, split_clips(labels.targets.values(), run)["val"]
    dataset = WindowDataset(trained.features, labels, params)
    dataset.add_clips(clips)
    head = trained.find_head(run.name, "val")
    known = trained.find_subjects(run.name, "val", dataset).standardise()
    answered = predict_clips(head, dataset.sources, dataset.windows, known=known)
    rows = {asked.target: asked for asked in ask_targets(labels, params.targets, clips)}
    for target in params.targets:
        if not _wants_fitting(params.postprocessing, TARGETS[target], labels.per(target)):
            yield target, Adjustment()
        elif target in rows and _tell(rows[target], answered):
            yield target, fit_adjustment(rows[target], answered, params)
        else:
            raise TrainingError(
                f"{run.name}: postprocessing: expected several labels of {target} among the "
                f"{len(clips)} clips of val, and answers to them; leave it out, or split anew"
            )


def _wants_fitting(asked: PostprocessingParams, target: Target, per: Per) -> bool:
    """Whether anything of a target goes by validation."""
    calibrated = {"rating": asked.rescale, "class": asked.temperature}.get(target.kind, False)
    return calibrated or (per == "frame" and asked.smoothing != "none")


def _tell(asked: Asked, answered: Answered) -> bool:
    """Whether labels of rows that have an answer differ."""
    pairs = _pair(asked, find_answers(asked, answered))
    return len(np.unique(pairs.labels[pairs.covered])) > 1


def fit_adjustment(asked: Asked, answered: Answered, params: HeadParams) -> Adjustment:
    """What suits these answers: of several widths the least of those that rank highest.

    A width is judged by what is said in the end, with ratings rescaled if they are to be.
    """
    wanted, widths = params.postprocessing, [0.0]
    if wanted.smoothing != "none" and not np.isnan(asked.seconds).all():
        widths += sorted(wanted.widths_seconds)
    fitted = [_fit_width(asked, answered, params, width) for width in widths]
    return max(fitted, key=itemgetter(0))[1]


def _fit_width(
    asked: Asked, answered: Answered, params: HeadParams, width_seconds: float
) -> tuple[float, Adjustment]:
    """What ranks heads by the target, and what is fitted, once series are smoothed so far."""
    target, wanted = TARGETS[asked.target], params.postprocessing
    fitted = Adjustment(width_seconds=width_seconds)
    smoothed = {
        clip_id: postprocess(predicted, params, {target.name: fitted})
        for clip_id, predicted in answered.items()
    }
    found = find_answers(asked, smoothed)
    known = _pair(asked, found)
    known = known.take(known.covered)
    if target.kind == "rating" and wanted.rescale:
        fitted = fitted.model_copy(update=match_moments(known))
    if target.kind == "class" and wanted.temperature and known.scores is not None:
        temperature = fit_temperature(known.scores, known.labels.astype(np.int64))
        fitted = fitted.model_copy(update={"temperature": temperature})
    pairs = {target.name: _pair(asked, calibrate(target, found, fitted))}
    rank = score_targets(pairs, math.prod(asked.shape))[target.rank].value
    return -math.inf if rank is None else rank, fitted


def _pair(asked: Asked, found: Float[np.ndarray, "rows *classes"]) -> Pairs:
    if TARGETS[asked.target].kind == "class":
        return Pairs(asked.labels, choose_classes(found), found)
    return Pairs(asked.labels, found.astype(np.float64))


def match_moments(pairs: Pairs) -> dict[str, float]:
    """`scale` and `shift` that give predictions the mean and the deviation of their labels.

    Constant predictions are shifted alone: there is nothing to scale.
    """
    scale = pairs.labels.std() / pairs.predictions.std() if np.ptp(pairs.predictions) else 1.0
    shift = pairs.labels.mean() - scale * pairs.predictions.mean()
    return {"scale": float(scale), "shift": float(shift)}


def fit_temperature(
    scores: Float[np.ndarray, "rows classes"], labels: Int64[np.ndarray, " rows"]
) -> float:
    """Temperature at which the labels are likeliest, by `scores`, the chances of classes.

    Guo and others, On calibration of modern neural networks, ICML 2017, section 4.2. The likelihood
    has one maximum, for its logarithm is concave in 1 / T.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    logs = np.log(np.maximum(scores.astype(np.float64), LEAST_CHANCE))

    def measure(logarithm: float) -> float:
        likelihoods = log_softmax(logs / math.exp(logarithm), axis=1)
        return -float(likelihoods[np.arange(len(labels)), labels].mean())

    bounds = [math.log(temperature) for temperature in TEMPERATURES]
    return math.exp(minimize_scalar(measure, bounds=bounds, method="bounded").x)
