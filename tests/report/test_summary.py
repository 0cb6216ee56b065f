import csv
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.errors import StoreError
from pipeline.files import write_json
from pipeline.report.summary import HeadSummary, print_summary, read_summaries
from pipeline.store.tables import write_table
from tests.report.made_up import MadeUp, make_head


def save(project: Path, head: HeadSummary) -> None:
    report, model = project / "reports/heads" / head.name, project / "models" / head.name
    write_table(report / "predictions.parquet", head.predictions)
    write_json(report / "evaluation.json", head.evaluation.model_dump(mode="json"))
    write_json(model / "recipe.json", head.recipe.model_dump(mode="json"))
    columns = ["run", "epoch", *dict.fromkeys(name for row in head.history for name in row)]
    with (model / "history.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, dict.fromkeys(columns))
        writer.writeheader()
        writer.writerows(head.history)


def print_plainly(heads: list[HeadSummary]) -> list[str]:
    stream = StringIO()
    print_summary(heads, Console(file=stream, width=40))
    return stream.getvalue().splitlines()


def test_summaries_come_back_as_they_were_saved(seven: list[HeadSummary], tmp_path: Path) -> None:
    for head in seven[:2]:
        save(tmp_path, head)
    assert read_summaries(tmp_path, ["mlp", "linear"]) == [seven[1], seven[0]]


def test_a_missing_evaluation_is_told(seven: list[HeadSummary], tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"linear/evaluation.json: no such file; run `dvc repro`"):
        read_summaries(tmp_path, ["linear"])


def test_a_damaged_evaluation_is_told(seven: list[HeadSummary], tmp_path: Path) -> None:
    save(tmp_path, seven[0])
    (tmp_path / "reports/heads/linear/evaluation.json").write_text('{"head": 7}')
    with pytest.raises(StoreError, match=r"evaluation.json: not an evaluation \(\('head',\)"):
        read_summaries(tmp_path, ["linear"])


def test_a_missing_history_is_told(seven: list[HeadSummary], tmp_path: Path) -> None:
    save(tmp_path, seven[0])
    (tmp_path / "models/linear/history.csv").unlink()
    with pytest.raises(StoreError, match=r"history.csv: no such file"):
        read_summaries(tmp_path, ["linear"])


def test_inputs_stand_in_the_order_of_modalities(made: MadeUp) -> None:
    head = make_head(made, "mlp", 0.5, modalities=("text", "face"))
    assert head.sets == {"face": "hog", "text": "minilm"}
    assert head.fused


def test_the_printed_table_has_the_best_head_first(seven: list[HeadSummary]) -> None:
    lines = [line for line in print_plainly(seven) if "." in line]
    assert lines[0].split()[:2] == ["attention", "(best)"]
    assert len(lines) == 7


def test_the_printed_table_is_plain_without_a_terminal(seven: list[HeadSummary]) -> None:
    lines = print_plainly(seven)
    assert "\x1b" not in "".join(lines)
    line = next(line for line in lines if line.lstrip().startswith("linear (to beat)"))
    value = seven[0].evaluation.splits["test"].metrics["uar"].value
    assert f"{value:.3f}" in line


def test_undefined_values_are_dashes_and_test_is_shown_only_when_opened() -> None:
    made = MadeUp(emotions=(), test=False)
    lines = print_plainly([make_head(made, "mlp-face", 0.5)])
    row = next(line for line in lines if "mlp-face" in line)
    assert row.split()[-2:] == ["–", "–"]
    assert "test" not in "".join(lines)
