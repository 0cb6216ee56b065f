from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from torch import Tensor

from pipeline.errors import ParamsError, TrainingError
from pipeline.heads import linear
from pipeline.heads.base import Output
from pipeline.heads.params import LinearParams
from pipeline.heads.reading import StreamRows
from pipeline.modalities import RowShape
from pipeline.sections import parse_section
from pipeline.targets import BEHAVIOURS
from tests.stores import make_stream

INPUTS = {"face": "none", "scene": "none", "audio": "mfcc", "text": "none"}
EMOTION = Output("emotion", 3, "clip")
VALENCE = Output("valence", 1, "clip")


@dataclass
class Batch:
    streams: dict[str, StreamRows]
    targets: dict[str, Tensor]
    target_masks: dict[str, Tensor]

    def cut(self, first: int, end: int) -> "Batch":
        heard = vars(self.streams["audio"]).values()
        fields = self.targets, self.target_masks
        return Batch(
            {"audio": StreamRows(*(value[first:end] for value in heard))},
            *({key: value[first:end] for key, value in field.items()} for field in fields),
        )


def make_head(*outputs: Output, **options: object) -> linear.Head:
    values = {"kind": "linear", "inputs": INPUTS, **options}
    return linear.Head(
        parse_section(LinearParams, values, "heads.low"), {"audio": RowShape.of((5,))}, outputs
    )


def make_batch(clips: int, time: int = 7) -> Batch:
    rows = torch.randn(clips, time, 5) + torch.randn(clips, 1, 5)
    pooled = rows.mean(dim=1)
    targets = {
        "emotion": (pooled @ torch.eye(5)[:, :3]).argmax(dim=1),
        "valence": pooled[:, 0] - 2 * pooled[:, 3] + 0.25,
    }
    known = torch.ones(clips, dtype=torch.bool)
    return Batch(
        {"audio": make_stream(rows)},
        targets,
        {name: known.clone() for name in targets},
    )


@pytest.fixture
def train() -> Batch:
    torch.manual_seed(7)
    return make_batch(101)


@pytest.fixture
def val(train: Batch) -> Batch:
    return make_batch(53)


def as_examples(batch: Batch, target: str) -> tuple[Tensor, Tensor]:
    return batch.streams["audio"].rows.mean(dim=1).double(), batch.targets[target]


@pytest.mark.parametrize(("examples", "width"), [(53, 7), (7, 23)])
def test_ridge_equals_sklearns(examples: int, width: int) -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(examples, width, generator=generator).double() + 3
    labels = torch.randn(examples, generator=generator).double()
    [(weight, bias)] = linear._solve(VALENCE, (features, labels), [0.3])
    other = Ridge(alpha=0.3 * examples).fit(features.numpy(), labels.numpy())
    np.testing.assert_allclose(weight[0].numpy(), other.coef_, rtol=1e-6)
    np.testing.assert_allclose(bias.numpy(), [other.intercept_], rtol=1e-6)


def test_logistic_equals_sklearns(train: Batch) -> None:
    features, labels = as_examples(train, "emotion")
    [*_, (weight, bias)] = linear.solve_classes((features, labels), 3, [1.0, 0.03])
    other = LogisticRegression(C=1 / (0.03 * len(labels)), tol=1e-8, max_iter=1000)
    other.fit(features.numpy(), labels.numpy())
    np.testing.assert_allclose(weight.numpy(), other.coef_, atol=1e-4)
    np.testing.assert_allclose((bias - bias.mean()).numpy(), other.intercept_, atol=1e-4)


def test_weak_penalties_of_many_columns_are_solved_to_the_end() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(31, 47, generator=generator).double()
    labels = torch.arange(31) % 3
    [*_, (weight, bias)] = linear.solve_classes((features, labels), 3, [1.0, 1e-2, 1e-4])
    other = LogisticRegression(C=1 / (1e-4 * 31), solver="newton-cg", tol=1e-12, max_iter=1000)
    expected = other.fit(features.numpy(), labels.numpy()).predict_proba(features.numpy())
    found = (features @ weight.mT + bias).softmax(dim=1)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


def test_logistic_of_votes_counts_each_by_its_share(train: Batch) -> None:
    features = as_examples(train, "valence")[0]
    shares = torch.rand(len(features), 3, dtype=torch.float64).softmax(dim=1)
    [(weight, bias)] = linear.solve_votes((features, shares), 3, [0.1])
    other = LogisticRegression(C=1 / (0.1 * len(features)), tol=1e-8, max_iter=1000)
    each = np.arange(3).repeat(len(features))
    other.fit(np.tile(features.numpy(), (3, 1)), each, sample_weight=shares.T.flatten().numpy())
    np.testing.assert_allclose(weight.numpy(), other.coef_, atol=1e-4)
    np.testing.assert_allclose((bias - bias.mean()).numpy(), other.intercept_, atol=1e-4)


def test_logistic_of_scores_is_one_for_each_class(train: Batch) -> None:
    features = as_examples(train, "valence")[0]
    scores = torch.rand(len(features), 3).sub(0.5).clamp(min=0)
    [(weight, bias)] = linear.solve_scores((features, scores), 3, [0.1])
    for column in range(3):
        other = LogisticRegression(C=1 / (0.1 * len(features)), tol=1e-8, max_iter=1000)
        other.fit(features.numpy(), scores[:, column].numpy() > 0)
        np.testing.assert_allclose(weight[[column]].numpy(), other.coef_, atol=1e-4)
        np.testing.assert_allclose(bias[[column]].numpy(), other.intercept_, atol=1e-4)


def test_every_kind_of_target_is_solved_and_judged() -> None:
    assert linear.METHODS.keys() == BEHAVIOURS.keys()


def test_a_class_without_examples_is_never_likely(train: Batch) -> None:
    features, labels = as_examples(train, "emotion")
    [(weight, bias)] = linear.solve_classes((features, labels), 5, [0.1])
    likely = torch.softmax(features @ weight.mT + bias, dim=1)
    assert likely[:, 3:].max() < 1e-3


def test_uar_is_the_mean_recall_of_classes_that_occur() -> None:
    logits = torch.eye(3)[[0, 0, 2, 1]]
    uar, _ = linear.judge_classes(logits, torch.tensor([0, 0, 0, 1]))
    assert uar == pytest.approx((2 / 3 + 1) / 2)


def test_uar_of_votes_leaves_ties_out() -> None:
    shares = torch.tensor([[0.6, 0.4], [0.5, 0.5], [0.3, 0.7], [0.2, 0.8]])
    uar, _ = linear.judge_votes(torch.eye(2)[[0, 0, 1, 0]], shares)
    assert uar == pytest.approx((1 + 1 / 2) / 2)
    assert linear.judge_votes(torch.eye(2), torch.full((2, 2), 0.5))[0] == 0.0


def test_mean_f1_is_over_classes_that_are_there_or_predicted() -> None:
    labels = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.3, 0.0, 1.0, 0.0]])
    logits = torch.tensor([[1.0, 1.0, -1.0, -1.0], [-1.0, -1.0, 1.0, -1.0]])
    mean_f1, _ = linear.judge_scores(logits, labels)
    assert mean_f1 == pytest.approx((2 / 3 + 0 + 1) / 3)


def test_fit_learns_what_is_linear(train: Batch, val: Batch) -> None:
    head = make_head(EMOTION, VALENCE)
    head.fit([train], [val])
    with torch.no_grad():
        outputs = head(val.streams)
    torch.testing.assert_close(outputs["valence"][:, 0], val.targets["valence"], atol=0.05, rtol=0)
    hits = outputs["emotion"].argmax(dim=1) == val.targets["emotion"]
    assert hits.float().mean() > 0.9


def test_batches_are_solved_as_one(train: Batch, val: Batch) -> None:
    whole, parts = make_head(VALENCE), make_head(VALENCE)
    whole.fit([train], [val])
    parts.fit([train.cut(0, 37), train.cut(37, 101)], [val])
    torch.testing.assert_close(parts.state_dict(), whole.state_dict())


def test_validation_chooses_the_strength(train: Batch, val: Batch) -> None:
    head, mild = make_head(VALENCE, strengths=[1e3, 1e-3]), make_head(VALENCE, strengths=[1e-3])
    head.fit([train], [val])
    mild.fit([train], [val])
    torch.testing.assert_close(head.state_dict(), mild.state_dict())


def test_of_equal_strengths_the_strongest_is_kept(train: Batch, val: Batch) -> None:
    train.targets["valence"] = torch.full((101,), 0.5)
    head = make_head(VALENCE)
    head.fit([train], [val])
    assert not head.readouts["valence"].weight.any()
    torch.testing.assert_close(head.readouts["valence"].bias.data, torch.tensor([0.5]))


def test_unlabelled_clips_are_left_out(train: Batch, val: Batch) -> None:
    head, other = make_head(VALENCE), make_head(VALENCE)
    head.fit([train], [val])
    train.target_masks["valence"][50:] = False
    train.targets["valence"][50:] = float("nan")
    other.fit([train], [val])
    assert other.readouts["valence"].weight.isfinite().all()
    assert not torch.equal(other.readouts["valence"].weight, head.readouts["valence"].weight)


def test_absence_is_told_by_a_flag(train: Batch) -> None:
    head = make_head(VALENCE)
    train.streams["audio"].mask[13] = False
    flags = head.fused(train.streams)["clip"][:, -1]
    assert flags.sum() == 100
    assert flags[13] == 0


def test_a_target_without_labels_is_refused(train: Batch, val: Batch) -> None:
    val.target_masks["valence"][:] = False
    with pytest.raises(TrainingError, match=r"val: valence: expected labels .*, got none; leave"):
        make_head(VALENCE).fit([train], [val])


def test_polar_coordinates_are_refused() -> None:
    with pytest.raises(ParamsError, match=r"heads\.low\.coordinates: .*'cartesian', got 'polar'"):
        make_head(VALENCE, coordinates="polar")


def test_no_strength_at_all_is_refused() -> None:
    with pytest.raises(ParamsError, match=r"heads\.low\.strengths: List should have at least 1"):
        make_head(VALENCE, strengths=[])
