import pytest
import typer.main

from pipeline.cli import app
from pipeline.cli.combining import APART, NEEDS, check_given, list_given
from pipeline.errors import ParamsError

PREDICT = typer.main.get_command(app).commands["predict"]


def given(*arguments):
    with PREDICT.make_context("predict", [*arguments, "--out", "out"]) as context:
        return list_given(context)


def test_what_is_given_is_called_as_people_write_it_and_defaults_are_not_given():
    assert given("a.mp4", "--head", "beit", "--no-plot", "--faces", "all", "--every", "10") == [
        *("MEDIA", "--head", "--out", "--every", "--faces all", "--no-plot"),
    ]


def test_every_option_of_the_tables_is_one_of_predict():
    known = {name for param in PREDICT.params for name in (*param.opts, *param.secondary_opts)}
    pairs = {name.split()[0] for first, second, _ in APART for name in (first, second)}
    assert {*NEEDS, *pairs} <= known


@pytest.mark.parametrize("name", NEEDS)
def test_an_option_without_effect_is_refused(name):
    own, other = NEEDS[name], ({"MEDIA", "--corpus"} - {NEEDS[name]}).pop()
    check_given([own, name])
    with pytest.raises(ParamsError, match=f"^{name}: is for {own}, got none; leave it out$"):
        check_given([other, name])


@pytest.mark.parametrize(("first", "second", "expected"), APART)
def test_two_options_that_say_otherwise_are_refused(first, second, expected):
    with pytest.raises(ParamsError, match=f"^{first}: expected {expected}, got {second}; leave"):
        check_given(["MEDIA", second, first])


def test_media_or_a_corpus_are_asked_for():
    for asked in ([], ["MEDIA", "--corpus"]):
        with pytest.raises(ParamsError, match="expected MEDIA or a --corpus, got both or neither"):
            check_given(asked)
