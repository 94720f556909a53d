"""Files as people have them: every encoding, delimiter, quote and line end, and damage that shows."""

import io
import itertools
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from kobert_demo.charset import ENCODINGS
from kobert_demo.errors import DataError
from kobert_demo.reading import UNDECODABLE, Format, column_names, detect_format, records

SHARED = Path(__file__).parents[2] / "shared" / "data"
ROWS = [("배송이 정말 빨라요", "1"), ("포장이 엉망이네요", "0"), ("그냥 그래요", "10")] * 5
PLAIN = "".join(f"{text}\t{label}\n" for text, label in ROWS)


@pytest.fixture
def write(tmp_path):
    def write(content, encoding="utf-8"):
        path = tmp_path / "file"
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


def cells(path, how=None):
    return [record.cells for record in records(path, how or detect_format(path))]


@pytest.mark.parametrize(
    ("encoding", "detected"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp949", "cp949"),
        ("euc-kr", "cp949"),
    ],
)
def test_every_encoding_is_found_and_read(write, encoding, detected):
    path = write(PLAIN, encoding)
    assert detect_format(path).encoding == detected
    assert cells(path) == [list(row) for row in ROWS]


def test_big_endian_byte_order_mark(write):
    path = write(b"\xfe\xff" + PLAIN.encode("utf-16-be"))
    assert detect_format(path).encoding == "utf-16"
    assert cells(path)[0] == list(ROWS[0])


def test_a_nul_does_not_make_a_file_utf16(write):
    assert detect_format(write("좋아요\x00\t1\n싫어요\t0\n")).encoding == "utf-8"


def test_undecodable_bytes_are_marked_and_spoil_only_their_line(write):
    good = PLAIN.encode()
    path = write(good + "깨진 줄".encode()[:-1] + b"\t1\n" + good)
    how = detect_format(path)
    assert how.encoding == "utf-8"
    found = cells(path, how)
    assert [index for index, row in enumerate(found) if UNDECODABLE in row[0]] == [len(ROWS)]
    assert len(found) == 2 * len(ROWS) + 1


def test_cp949_keeps_the_line_after_a_broken_character(write):
    path = write(PLAIN.encode("cp949") + b"\xb0\t1\n" + PLAIN.encode("cp949"))
    assert detect_format(path).encoding == "cp949"
    assert cells(path)[len(ROWS) :][:2] == [[UNDECODABLE, "1"], list(ROWS[0])]


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(write, delimiter, line_end):
    path = write(PLAIN.replace("\t", delimiter).replace("\n", line_end))
    assert detect_format(path).delimiter == delimiter
    assert cells(path) == [list(row) for row in ROWS]


def test_commas_in_sentences_do_not_beat_the_tab(write):
    path = write("네, 좋아요\t1\n아니요, 싫어요\t0\n음, 글쎄요\t1\n")
    assert detect_format(path).delimiter == "\t"


def test_quoted_commas_and_doubled_quotes(write):
    path = write('text,label\n"네, ""정말"" 좋아요",1\n싫어요,0\n')
    how = detect_format(path)
    assert how == Format("utf-8", ",", header=True, quoted=True)
    assert cells(path, how)[1] == ['네, "정말" 좋아요', "1"]


def test_quotes_that_people_write_stay_in_the_sentence(write):
    path = write('"향숙이"~ 감독이\t1\n코난은 10점"\t1\n그는 "아니"라고 했다\t0\n' + PLAIN)
    how = detect_format(path)
    assert not how.quoted
    assert cells(path, how)[0] == ['"향숙이"~ 감독이', "1"]


def test_text_after_a_closed_quote_is_taken_as_it_stands(write):
    how = Format("utf-8", "\t", header=False, quoted=True)
    assert cells(write('"향숙이"~ 감독이\t1\n'), how) == [['"향숙이"~ 감독이', "1"]]


def test_a_quoted_cell_may_go_on_over_lines_and_numbers_stay_true(write):
    path = write('문장\t라벨\n"첫 줄\n둘째 ""줄"""\t1\n다음 문장\t0\n')
    found = list(records(path, detect_format(path)))
    assert [(record.line, record.cells) for record in found[1:]] == [
        (2, ['첫 줄\n둘째 "줄"', "1"]),
        (4, ["다음 문장", "0"]),
    ]


def test_an_open_quote_is_the_problem_of_its_own_line(write):
    path = write('"잘 ""닫힌"" 인용"\t1\n"열린 인용\t1\n' + PLAIN + '"끝의 ""인용"""\t0\n')
    found = list(records(path, detect_format(path)))
    assert [record.line for record in found if record.flaw] == [2]
    assert len(found) == len(ROWS) + 3
    assert found[-1].cells == ['끝의 "인용"', "0"]


def test_empty_lines_count_in_the_middle_but_not_at_the_end(write):
    found = list(
        records(write("좋아요\t1\n\n싫어요\t0\n\n \n"), Format("utf-8", "\t", False, False))
    )
    assert [(record.line, record.cells) for record in found] == [
        (1, ["좋아요", "1"]),
        (2, [""]),
        (3, ["싫어요", "0"]),
    ]


@pytest.mark.parametrize(
    ("head", "header"),
    [
        ("sentence\tlabel\n", True),
        ("문장\t감정\n", True),
        ("발화 전체\t점수값\n", True),  # words over numbers
        ("", False),
    ],
)
def test_headers(write, head, header):
    path = write(head + PLAIN)
    assert detect_format(path).header is header
    assert column_names(path, detect_format(path)) == (
        tuple(head.strip().split("\t")) if header else ("1", "2")
    )


def test_an_unknown_word_over_text_labels_is_a_header(write):
    rows = "".join(f"{n}번째 문장입니다\t{'행복' if n % 2 else '분노'}\n" for n in range(20))
    assert detect_format(write("발화 전체\t기분\n" + rows)).header
    assert not detect_format(write(rows)).header


def test_one_damaged_line_among_many_hides_no_header(write):
    assert detect_format(write("text\tlabel\n깨진 줄\n" + PLAIN)).header


def excel():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\n\n \n", "empty"),
        (excel(), "save its sheet as TSV or CSV"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not a text file"),
        (bytes(range(256)) * 40, "not a text file"),
    ],
)
def test_what_is_no_text_is_said_to_be_none(write, content, advice):
    with pytest.raises(DataError, match=advice):
        detect_format(write(content))


FILES = [
    PLAIN.encode(),
    PLAIN.encode()[:-1],  # an odd number of bytes
    PLAIN.encode("cp949") + b"\xb0",
    PLAIN.encode("utf-16"),
    b"\xff\xfe" + PLAIN.encode("utf-16-le")[:-1],
    PLAIN.encode("utf-16-be"),
    b"\x00\xd8\x00\xd8\t\x00",  # halves of characters
    b"a",
]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("content", FILES)
def test_no_encoding_breaks_on_any_file(write, content, encoding):
    path = write(content)
    for delimiter, quoted in itertools.product("\t,;", (False, True)):
        how = Format(encoding, delimiter, header=True, quoted=quoted)
        if encoding == "utf-16" and content[:2] != b"\xff\xfe":
            with pytest.raises(DataError, match="byte order mark"):
                list(records(path, how))
        else:
            assert cells(path, how)
            assert column_names(path, how)


def test_half_a_character_at_the_end_spoils_only_the_last_line(write):
    found = cells(
        write(PLAIN.encode("utf-16-le") + b"\x41"), Format("utf-16-le", "\t", False, False)
    )
    assert found == [*map(list, ROWS), [UNDECODABLE]]


@pytest.mark.parametrize("delimiter", ["", "||", "\\t", '"', "\n"])
def test_what_cannot_cut_a_line_is_refused(write, delimiter):
    with pytest.raises(DataError, match="one character") as caught:
        records(write(PLAIN), Format("utf-8", delimiter, header=False, quoted=False))
    assert "한 글자" in caught.value.in_language("ko")


@pytest.mark.parametrize("name", ["", "missing", "x" * 300, "a\0b", "file/below a file"])
def test_a_file_that_cannot_be_opened_is_said_to_be_so(write, name):
    path = write(PLAIN).parent / name
    how = Format("utf-8", "\t", header=False, quoted=False)
    for read in (
        lambda: detect_format(path),
        lambda: column_names(path, how),
        lambda: list(records(path, how)),
        lambda: list(records(path, replace(how, encoding="utf-16"))),
    ):
        with pytest.raises(DataError, match="cannot be read") as caught:
            read()
        assert "읽을 수 없습니다" in caught.value.in_language("ko")


def test_progress_is_told_by_share_of_the_bytes(write):
    shares: list[float] = []
    path = write(PLAIN * 4000)
    assert sum(1 for _ in records(path, detect_format(path), shares.append)) == 60_000
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] <= 1


def test_the_real_file_with_doubled_quotes():
    path = SHARED / "kote-val-original.tsv"
    if not path.exists():
        pytest.skip("../shared/data is not here")
    how = detect_format(path)
    assert how == Format("utf-8", "\t", header=False, quoted=True)
    found = list(records(path, how))
    assert len(found) == 5000
    assert {len(record.cells) for record in found} == {3}
    assert not any('""' in record.cells[1] for record in found)


@pytest.mark.parametrize("name", ["emotions7-reddit-dev.tsv", "nsmc-ratings-20k.tsv"])
def test_real_files_with_loose_quotes_lose_no_row(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip("../shared/data is not here")
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    found = list(records(path, detect_format(path)))
    assert [record.cells for record in found] == [line.split("\t") for line in lines]
