"""What answers are postprocessed by: fitted on validation alone, and kept in the recipe."""

import numpy as np
import pytest
from scipy.ndimage import uniform_filter1d
from scipy.special import softmax

from pipeline.errors import ParamsError, TrainingError
from pipeline.evaluation.metrics import Pairs, score_targets
from pipeline.evaluation.table import HELD_OUT_SCHEMA
from pipeline.heads.building import load_heads
from pipeline.heads.recipes import Adjustment
from pipeline.heads.shared.params import HeadParams
from pipeline.labels.clip_labels import ClipLabels
from pipeline.prediction.answers import Predicted
from pipeline.prediction.calibration import temper
from pipeline.prediction.held_out import Asked, Trained, predict_held_out
from pipeline.store.tables import read_table
from pipeline.training.adjusting import fit_adjustment, fit_temperature, match_moments
from pipeline.training.saving import train_head
from tests.stores import ask, make_labels, make_params, make_rows, write_features
from tests.training.corpus_made import Corpus

STEP, FRAMES = 0.2, 97
WIDTHS = [0.6, 1.4, 3.0, 9.0]
SMOOTHED = {"smoothing": "mean", "widths_seconds": WIDTHS}


def measure_ccc(labels, predictions):
    return score_targets({"valence": Pairs(labels, predictions)}, 1)["ccc_valence"].value


class Series:
    """Slow ratings of two clips, and answers that are noisy, too narrow and too high."""

    def __init__(self, noise=0.3):
        generator = np.random.default_rng(5)
        self.seconds = STEP * np.arange(FRAMES)
        self.labels = np.stack([np.sin(self.seconds / 2), np.cos(self.seconds / 3)]) / 2
        noisy = self.labels + noise * generator.normal(size=self.labels.shape)
        self.answers = (0.5 * noisy + 0.1).astype(np.float32)

    def fit(self, **asked) -> Adjustment:
        params = make_params(
            "mlp", {"audio": "a"}, targets=["valence"], postprocessing={**SMOOTHED, **asked}
        )
        places, seconds = np.repeat([0, 1], FRAMES), np.tile(self.seconds, 2)
        rows = Asked("valence", ["a", "b"], places, seconds, self.labels.ravel(), ())
        said = {
            name: Predicted({}, self.seconds, {"valence": own})
            for name, own in zip("ab", self.answers, strict=True)
        }
        return fit_adjustment(rows, said, params)


@pytest.mark.parametrize("rescale", [False, True])
def test_the_width_is_the_one_with_the_best_ccc(rescale):
    series = Series()
    found = {}
    for width in [0.0, *WIDTHS]:
        taps = round(width / STEP) or 1
        smoothed = uniform_filter1d(series.answers.astype(float), taps, axis=1, mode="nearest")
        pairs = Pairs(series.labels.ravel(), smoothed.ravel())
        moved = match_moments(pairs) if rescale else {"scale": 1.0, "shift": 0.0}
        answers = np.clip(moved["scale"] * pairs.predictions + moved["shift"], -1, 1)
        found[width] = measure_ccc(pairs.labels, answers)
    best = max(found, key=found.__getitem__)
    assert 0 < best < WIDTHS[-1]
    assert series.fit(rescale=rescale).width_seconds == best


def test_answers_that_smoothing_makes_worse_are_left():
    assert Series(noise=0.0).fit() == Adjustment()


def test_rescaled_ratings_have_the_mean_and_the_deviation_of_their_labels():
    series = Series()
    pairs = Pairs(series.labels.ravel(), series.answers.ravel().astype(float))
    fitted = match_moments(pairs)
    moved = fitted["scale"] * pairs.predictions + fitted["shift"]
    assert moved.mean() == pytest.approx(pairs.labels.mean())
    assert moved.std() == pytest.approx(pairs.labels.std())
    assert measure_ccc(pairs.labels, moved) > measure_ccc(pairs.labels, pairs.predictions) + 0.05
    assert series.fit(smoothing="none", rescale=True) == Adjustment(**fitted)


def test_constant_ratings_are_shifted_alone():
    pairs = Pairs(np.array([0.1, 0.3]), np.array([0.5, 0.5]))
    assert match_moments(pairs) == {"scale": 1.0, "shift": pytest.approx(-0.3)}


def test_a_temperature_makes_labels_likelier_and_changes_no_class():
    generator = np.random.default_rng(2)
    logits = 2 * generator.normal(size=(900, 5))
    drawn = [generator.choice(5, p=chances) for chances in softmax(logits, axis=1)]
    sure = softmax(3 * logits, axis=1).astype(np.float32)
    temperature = fit_temperature(sure, np.array(drawn))
    assert temperature == pytest.approx(3.0, rel=0.1)
    tempered = temper(sure, temperature)
    each = np.arange(900)
    assert np.log(tempered[each, drawn]).mean() > np.log(sure[each, drawn]).mean() + 0.1
    np.testing.assert_array_equal(tempered.argmax(axis=1), sure.argmax(axis=1))
    np.testing.assert_allclose(tempered.sum(axis=1), 1, atol=1e-6)


def test_a_temperature_stays_within_bounds_where_all_is_right():
    chances = np.array([[0.9, 0.1], [0.0, 1.0]], np.float32)
    assert 0.05 <= fit_temperature(chances, np.array([0, 1])) < 0.1


class Framed:
    """Nine clips of three sides, rated by frame, whose rows tell the ratings noisily.

    `spoilt` sides have other labels. A face is lost for a row in the middle of each clip.
    """

    def __init__(self, folder, spoilt=()):
        generator, other = np.random.default_rng(7), np.random.default_rng(8)
        self.folder = folder
        targets, frames, rows = [], {}, {}
        for number in range(9):
            side = ("train", "val", "test")[number % 3]
            name = f"{side}/{number}"
            targets.append(ClipLabels(clip_id=name, split=side, labels={}))
            seconds = 0.5 + np.arange(60)
            valence = np.sin(seconds / 6 + number) / 2
            noise = 0.4 * generator.normal(size=(60, 2))
            frames[name] = {
                "seconds": seconds,
                "valence": other.uniform(-1, 1, 60) if side in spoilt else valence,
            }
            valid = np.arange(60) != 30
            rows[name] = make_rows(valence[:, None] + noise, valid=valid)
        self.labels = make_labels(targets, frames)
        self.store = write_features(folder / "audio", rows)

    def train(self, name="model", **asked):
        params = self.make_params(**asked)
        train_head(ask("toy", params), self.folder, self.labels, self.folder / name)
        recipe = load_heads(self.folder / name)[0]
        table = read_table(self.folder / name / "predictions.parquet", HELD_OUT_SCHEMA)
        return recipe, table

    def make_params(self, **asked) -> HeadParams:
        return make_params(
            "linear",
            {"audio": "audio"},
            targets=["valence"],
            strengths=[1e-3],
            windows={"tolerance_seconds": 0.0},
            postprocessing=asked,
        )


ALL = {**SMOOTHED, "widths_seconds": [3.0, 5.0, 9.0], "rescale": True, "gap_seconds": 2.0}


def list_predicted(table, split):
    return [row["predicted"] for row in table.to_pylist() if row["split"] == split]


def test_all_is_off_unless_it_is_asked_for(tmp_path):
    recipe, table = Framed(tmp_path).train()
    assert recipe.adjustments == {}
    assert list_predicted(table, "test").count(None) == 3


def test_a_head_that_is_loaded_postprocesses_as_it_did_in_memory(tmp_path):
    corpus = Framed(tmp_path)
    recipe, table = corpus.train(**ALL)
    assert recipe.adjustments["official"]["valence"].width_seconds in (5.0, 9.0)
    assert list_predicted(table, "test").count(None) == 0
    recipe, params, heads = load_heads(tmp_path / "model")
    loaded = Trained(
        params, {"audio": corpus.store}, heads, recipe.priors, adjustments=recipe.adjustments
    )
    assert predict_held_out(loaded, corpus.labels).to_pylist() == table.to_pylist()


def test_smoothing_helps_on_test_and_reads_none_of_its_labels(tmp_path):
    tables, recipes = {}, {}
    for name, asked in (("plain", {}), ("smooth", ALL)):
        recipes[name], tables[name] = Framed(tmp_path / name).train(**asked)
    ccc = {}
    for name, table in tables.items():
        rows = [row for row in table.to_pylist() if row["split"] == "test" and row["predicted"]]
        ccc[name] = measure_ccc(*(np.array([r[c] for r in rows]) for c in ("label", "predicted")))
    assert ccc["smooth"] > ccc["plain"] + 0.1
    other, table = Framed(tmp_path / "other", spoilt=["test"]).train(**ALL)
    assert other.adjustments == recipes["smooth"].adjustments
    assert list_predicted(table, "test") == list_predicted(tables["smooth"], "test")
    other, _ = Framed(tmp_path / "val", spoilt=["val"]).train(**ALL)
    assert other.adjustments != recipes["smooth"].adjustments


def test_heads_of_heads_are_calibrated_on_val_before_they_are_refitted(tmp_path):
    corpus = Corpus(tmp_path)
    training = {"epochs": 1, "learning_rate": 0.02, "batch": 8, "refit": True}
    asked = {"rescale": True, "temperature": True}
    params = make_params("late_fusion", {"audio": "audio"}, training=training, postprocessing=asked)
    train_head(ask("toy", params), tmp_path, corpus.labels, tmp_path / "model")
    table = read_table(tmp_path / "model" / "predictions.parquet", HELD_OUT_SCHEMA)
    rated = [r for r in table.to_pylist() if (r["split"], r["target"]) == ("val", "valence")]
    labels, predicted = (np.array([row[c] for row in rated]) for c in ("label", "predicted"))
    assert predicted.mean() == pytest.approx(labels.mean(), abs=0.05)
    assert predicted.std() == pytest.approx(labels.std(), abs=0.05)
    assert load_heads(tmp_path / "model")[0].adjustments["official"]["emotion"].temperature < 1


def test_validation_that_does_not_tell_stops_training(tmp_path):
    corpus = Corpus(tmp_path)
    params = make_params("linear", {"audio": "audio"}, postprocessing={"rescale": True})
    labels = corpus.relabel("val", emotion="sad", valence=0.25, arousal=0.5)
    with pytest.raises(TrainingError, match="expected several labels of valence among the 18 clip"):
        train_head(ask("toy", params), tmp_path, labels, tmp_path / "model")


def test_smoothing_of_clips_is_refused(tmp_path):
    corpus = Corpus(tmp_path)
    params = make_params("linear", {"audio": "audio"}, postprocessing={"smoothing": "mean"})
    with pytest.raises(TrainingError, match="expected targets that are labelled frame by frame"):
        train_head(ask("toy", params), tmp_path, corpus.labels, tmp_path / "model")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"targets": ["emotion"], "postprocessing": {"rescale": True}}, "expected a rating among"),
        ({"targets": ["valence"], "postprocessing": {"temperature": True}}, "expected emotion am"),
        ({"targets": ["votes"], "postprocessing": {"gap_seconds": 1.0}}, "frames may be labelled"),
        (
            {"windows": {"causal": True}, "postprocessing": {"smoothing": "wiener"}},
            "with windows.causal expected smoothing mean or median, and no gap",
        ),
        ({"windows": {"causal": True}, "postprocessing": {"gap_seconds": 1.0}}, "and no gap"),
    ],
)
def test_what_cannot_be_postprocessed_is_refused(options, told):
    with pytest.raises(ParamsError, match=f"postprocessing.*{told}"):
        make_params("mlp", {"audio": "a"}, **options)
