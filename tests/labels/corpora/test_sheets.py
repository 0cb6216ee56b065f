import csv
import sys
import tracemalloc
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import CorpusError
from pipeline.labels.corpora.cells import read_numbers, read_times
from pipeline.labels.corpora.sheets import DELIMITERS, find_delimiter, read_rows, read_sheet

HEADER = "path,speaker,emotion,transcript\n"


@pytest.fixture
def write(tmp_path: Path):
    def write_table(content: str | bytes, name: str = "clips.csv") -> Path:
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write_table


cells = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip)


@given(st.lists(st.tuples(cells, cells, cells), min_size=1), st.sampled_from(DELIMITERS))
def test_what_a_spreadsheet_writes_is_read(tmp_path_factory, rows, delimiter):
    text = StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerows([("path", "subject", "transcript"), *rows])
    path = tmp_path_factory.mktemp("sheet") / "clips.csv"
    path.write_text(text.getvalue(), newline="")
    columns = read_sheet(path).columns
    assert list(zip(*columns.values(), strict=True)) == rows


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_delimiters_are_told_by_the_header_and_then_by_the_lines(delimiter):
    lines = [f"path{delimiter}valence,mean", f"a.mp4{delimiter}0,5", f"b{delimiter}0,25"]
    assert find_delimiter(lines) == delimiter


def test_a_table_of_one_column_needs_no_delimiter(write):
    assert read_sheet(write("path\na.mp4\nb c.mp4\n")).columns == {"path": ["a.mp4", "b c.mp4"]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_read_in_the_encoding_it_has(write, encoding):
    sheet = read_sheet(write("path;subject\na.mp4;Jörg “J” Müßig\n".encode(encoding)))
    assert sheet.columns["subject"] == ["Jörg “J” Müßig"]
    assert bool(sheet.remarks) == (encoding == "cp1252")


@pytest.mark.parametrize("content", [b"path\n\xfc\xc3\xbc\n", b"path\n\x81\n", b"path\n\0\xff\n"])
def test_bytes_of_no_one_encoding_are_refused_by_line(write, content):
    with pytest.raises(CorpusError, match=r"clips.csv: line 2: .*UTF-8 or Windows-1252"):
        read_sheet(write(content))


def test_the_line_that_tells_excel_the_delimiter_is_passed_over(write):
    sheet = read_sheet(write("sep=;\r\npath;turn\r\na.mp4;3\r\n"))
    assert (sheet.columns, sheet.places) == ({"path": ["a.mp4"], "turn": ["3"]}, ["line 3"])


def test_blank_cells_lines_and_columns_are_empty(write):
    sheet = read_sheet(write("path,subject,\n\na.mp4,  ,\n,,\nb.mp4,7,\n"))
    assert sheet.columns == {"path": ["a.mp4", "b.mp4"], "subject": [None, "7"]}
    assert sheet.places == ["line 3", "line 5"]


def test_the_numbering_that_pandas_writes_is_passed_over(write):
    assert read_sheet(write(",path\n0,a.mp4\n1,b.mp4\n")).columns == {"path": ["a.mp4", "b.mp4"]}
    with pytest.raises(CorpusError, match="column 1 has no name; give it one"):
        read_sheet(write(",path\nx,a.mp4\n"))


def test_lines_are_counted_through_cells_of_several(write):
    sheet = read_sheet(write('path,transcript\na,"Well,\r\nno"\r\nb,"yes\n\nor no"\nc,\n'))
    assert sheet.places == ["line 2", "line 4", "line 7"]
    assert sheet.columns["transcript"] == ["Well,\r\nno", "yes\n\nor no", None]


def test_uneven_lines_are_all_refused(write):
    with pytest.raises(
        CorpusError, match=r"line 2: expected 2 cells.*got 1; line 4: .*got 3; mend"
    ):
        read_sheet(write("path,turn\na\nb,3\nc,4,5\n"))


def test_quotes_that_are_not_closed_are_refused_by_line_and_column(write):
    text = HEADER + 'a,s1,sad,"What?\nb,s2,sad,well\nc,"s3,sad,"No!\nd,s4,sad,"bye"\n'
    told = r"line 2: transcript: expected the quote to be closed.*; line 4: speaker: .*; close each"
    with pytest.raises(CorpusError, match=told):
        read_sheet(write(text))


def test_a_quote_within_quotes_is_told_by_its_column(write):
    with pytest.raises(CorpusError, match="line 2: speaker: expected the quote to be closed"):
        read_sheet(write(HEADER + 'a,"No" he,sad,"ok"\n'))


@pytest.mark.parametrize("last", ['b,s2,sad,so"\n', 'b,s2,sad,"so ""it"" is\n', 'b,"s2"x,sad,so\n'])
def test_rows_that_quotes_swallowed_are_not_lost(write, last):
    with pytest.raises(CorpusError, match=r"line [23]: (transcript|speaker): expected the quote"):
        read_sheet(write(HEADER + 'a,s1,sad,"What?\nb,s2,sad,well\n' + last))


def test_a_long_line_with_a_wrong_quote_is_read_few_times(write):
    path = write(f'{HEADER}a.mp4,x,sad,"{"word " * 997}"and more\n')
    readers = []

    def note(frame, event, called):
        if event == "c_call" and called is csv.reader:
            readers.append(called)

    sys.setprofile(note)
    try:
        with pytest.raises(CorpusError, match="line 2: transcript: expected the quote"):
            read_sheet(path)
    finally:
        sys.setprofile(None)
    assert 1 <= len(readers) < 50


def test_rows_of_two_cells_that_quotes_swallowed_are_not_lost(write):
    with pytest.raises(CorpusError, match="line 2: transcript: expected the quote"):
        read_sheet(write('path,transcript\na.mp4,"What?\nb.mp4,well\nc.mp4,so"\n'))
    early = 'path,transcript\na.mp4,"hello\nmy dear,friend\nb.mp4,fine\nc.mp4,fine\nd.mp4"\n'
    with pytest.raises(CorpusError, match="line 2: transcript: expected the quote"):
        read_sheet(write(early))
    verse = "Yes,\nThe rain, they say,\nI know,and so\nand so"
    text = f'path,transcript\na.mp4,"{verse}"\n'
    assert read_sheet(write(text)).columns["transcript"] == [verse]


def test_the_odd_table_is_refused_by_its_two_lines(real_data):
    with pytest.raises(CorpusError, match=r"line 3: transcript: .*; line 6: transcript: "):
        read_sheet(real_data("odd_media") / "unclosed_quotes.csv")


def test_sentences_of_several_lines_and_quotes_are_kept(write):
    said = 'He said "no",\nthen, well, you know, I left.\n5" is enough'
    text = HEADER + 'a,s1,sad,"{}"\n'.format(said.replace('"', '""'))
    assert read_sheet(write(text)).columns["transcript"] == [said]


def test_numbers_have_decimal_points_or_commas():
    assert read_numbers(["0,5", "-1", "−,25", None, "NA"]) == ["0.5", "-1", "-.25", None, None]
    assert read_numbers(["1,234", "0.5"]) == ["1,234", "0.5"]


def test_times_are_seconds_or_by_the_clock():
    times = ["00:00:03.5", "1:30", "2:00:00,25", "7.25", "1:75", "1:60:00"]
    assert read_times(times) == [3.5, 90.0, 7200.25, "7.25", "1:75", "1:60:00"]


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59_999))
def test_every_time_of_a_clock_is_read(hours, minutes, milliseconds):
    written = f"{hours:02}:{minutes:02}:{milliseconds / 1000:06.3f}"
    (seconds,) = read_times([written])
    assert seconds == pytest.approx(hours * 3600 + minutes * 60 + milliseconds / 1000)


def test_short_rows_below_a_wide_header_fill_no_memory(tmp_path: Path) -> None:
    """500 kB of them were 11 GB in memory, each row as wide as the header."""
    path = tmp_path / "label.csv"
    path.write_text("video" + ",x" * 5000 + "\n" + "a\n" * 500)
    tracemalloc.start()
    with pytest.raises(CorpusError, match="row 1: expected 5001 cells, got 1"):
        read_rows(path, ["video"])
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()
