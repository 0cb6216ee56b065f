import pytest

from pipeline.report.index_page import write_index_page
from pipeline.report.summary import HeadSummary
from tests.report.made_up import MadeUp, Page, make_overview, make_seven


@pytest.fixture(scope="session")
def made() -> MadeUp:
    return MadeUp()


@pytest.fixture(scope="session")
def seven(made: MadeUp) -> list[HeadSummary]:
    return make_seven(made)


@pytest.fixture(scope="session")
def index_page(
    made: MadeUp, seven: list[HeadSummary], tmp_path_factory: pytest.TempPathFactory
) -> Page:
    path = tmp_path_factory.mktemp("report") / "index.html"
    write_index_page(path, make_overview(made, seven))
    return Page(path)
