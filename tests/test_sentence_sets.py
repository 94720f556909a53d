"""Sets of demo sentences: built in, edited, brought from files, and what no set can be."""

from collections import Counter
from pathlib import Path

import pytest

from kobert_demo.errors import DataError
from kobert_demo.sentence_sets import DATA, Case, SentenceSets, as_tsv, read_cases

EMOTIONS = {"공포", "놀람", "분노", "슬픔", "중립", "행복", "혐오"}
HOSTILE = "<img src=x onerror=alert(1)>"
CASES = (Case("좋아요", "행복"), Case('"따옴표", 쉼표; =1+1', "분노"), Case(HOSTILE, HOSTILE))


@pytest.fixture
def sets(workspace: Path) -> SentenceSets:
    return SentenceSets(workspace)


def test_the_built_in_sets_hold_every_emotion_in_the_same_number(sets: SentenceSets) -> None:
    everyday, hard = sets.list()
    for each, count in ((everyday, 5), (hard, 3)):
        counts = Counter(case.expected for case in each.cases)
        assert counts == dict.fromkeys(EMOTIONS, count)
        assert len({case.text for case in each.cases}) == len(each.cases)
    known = (DATA / "everyday.tsv").read_text(encoding="utf-8")
    assert all(f"{case.text}\t{case.expected}\n" in known for case in everyday.cases)


def test_the_hard_cases_were_trained_on_by_nobody(sets: SentenceSets) -> None:
    texts = {case.text for case in sets.get("hard").cases}
    for name in ("sample.tsv", "sample-test.tsv", "everyday.tsv"):
        lines = (DATA / name).read_text(encoding="utf-8").splitlines()
        assert texts.isdisjoint(line.rsplit("\t", 1)[0] for line in lines)


def test_an_edited_built_in_set_can_be_as_it_came(sets: SentenceSets, workspace: Path) -> None:
    before = sets.get("everyday")
    sets.save("everyday", CASES)
    edited = SentenceSets(workspace).get("everyday")
    assert (edited.cases, edited.edited) == (CASES, True)
    sets.delete("everyday")
    assert sets.get("everyday") == before


def test_own_sets_are_kept_under_any_name_and_deleted(sets: SentenceSets, workspace: Path) -> None:
    id = sets.add("  ../내   시연 <b>\n", CASES)
    shown = sets.list()[-1]
    assert (shown.id, shown.name, shown.cases) == (id, "../내 시연 <b>", CASES)
    assert [path.name for path in (workspace / "test_sets").iterdir()] == [id]
    with pytest.raises(DataError, match="of this name already"):
        sets.add("../내 시연 <b>", CASES)
    with pytest.raises(DataError, match="needs a name"):
        sets.add(" \n", CASES)
    sets.delete(id)
    assert len(sets.list()) == 2
    for gone in (id, "..", "../runs", ""):
        with pytest.raises(DataError, match="no such set"):
            sets.get(gone)


def test_an_export_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "set.tsv"
    path.write_bytes(as_tsv(CASES))
    assert path.read_text(encoding="utf-8-sig").splitlines()[0] == "sentence\tlabel"
    assert read_cases(path) == (CASES, 0)


def test_an_import_takes_other_files_and_counts_what_it_leaves_out(tmp_path: Path) -> None:
    path = tmp_path / "set.csv"
    path.write_bytes("번호,문장,감정\n1,좋아요,행복\n2,,분노\n3,싫어요,\n4,화나\n".encode("cp949"))
    assert read_cases(path) == ((Case("좋아요", "행복"),), 3)


def test_what_is_no_set_is_said(sets: SentenceSets, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least one sentence"):
        sets.save("everyday", [])
    with pytest.raises(DataError, match="at most 500"):
        sets.save("everyday", [Case(str(n), "행복") for n in range(501)])
    path = tmp_path / "none.tsv"
    path.write_text("sentence\tlabel\n\t행복\n", encoding="utf-8")
    with pytest.raises(DataError, match="at least one sentence"):
        read_cases(path)
