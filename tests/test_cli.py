"""The shell: exact fields, one JSON document, one sentence and status 2 when something is wrong."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sentencepiece import SentencePieceProcessor

from kobert_demo.cli import main
from kobert_demo.processes import PROJECT
from tests.models import vocabulary, write_tsv

COMMENTS = PROJECT.parent / "shared" / "data" / "emotions7-comments.tsv"
needs_comments = pytest.mark.skipif(not COMMENTS.is_file(), reason="../shared/data is not there")
ENCODING = ["tokens", "input_ids", "attention_mask", "token_type_ids", "valid_length"]

Shell = Callable[..., Any]


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Run a verb with `--json` in a workspace of its own and return the document."""

    def run(*words: object) -> Any:
        status = main([*map(str, words), "--json", "--workspace", str(tmp_path / "workspace")])
        assert status == 0, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return run


def fails(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Return the one sentence that a failing verb says."""
    try:
        assert main([*map(str, words)]) == 2
    except SystemExit as ended:
        assert ended.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def test_check_tells_exactly_these_fields(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(
        "문장,감정\n좋아요,행복\n좋아요,행복\n좋아요,분노\n,행복\n싫어요,분노\n혼자,슬픔\n셋,분노,1\n",
        encoding="cp949",
    )
    found = shell("check", path)
    assert list(found) == [
        *("rows", "usable", "labels", "encoding", "delimiter", "header", "problems"),
        *("duplicates", "conflicts", "truncated", "unk_rate"),
    ]
    assert (found["rows"], found["usable"]) == (7, 4)
    assert found["labels"] == {"분노": 2, "행복": 2}
    assert (found["encoding"], found["delimiter"], found["header"]) == ("cp949", ",", True)
    assert [problem["line"] for problem in found["problems"]] == [5, 7, 8]
    assert all(set(problem) == {"line", "message"} for problem in found["problems"])
    assert (found["duplicates"], found["conflicts"]) == (1, 1)
    assert found["truncated"] == 0.0


@needs_comments
def test_the_real_comments_are_all_usable(shell: Shell) -> None:
    found = shell("check", COMMENTS)
    assert found["rows"] == found["usable"] == 4312
    assert found["labels"]["분노"] == 1718
    assert found["problems"] == []
    assert found["unk_rate"] < 0.01


def test_columns_are_chosen_by_name_or_number(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "three.tsv"
    path.write_text("id\ta \tb\n1\t하나\tx\n2\t둘\ty\n3\t셋\tx\n4\t넷\ty\n", encoding="utf-8")
    assert shell("check", path, "--text-column", "a", "--label-column", 3)["labels"] == {
        "x": 2,
        "y": 2,
    }


def test_without_a_model_the_ready_made_one_answers(shell: Shell) -> None:
    texts = ["오늘 정말 행복해요", "우웩 더러워"]
    answers = shell("classify", *texts)
    assert answers == shell("classify", "--model", "mini-emotions", *texts)
    assert [answer["label"] for answer in answers] == ["행복", "혐오"]
    assert {len(answer["input_ids"]) for answer in answers} == {64}


def test_the_environment_names_the_workspace_where_no_argument_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KOBERT_DEMO_WORKSPACE", str(tmp_path / "named"))
    assert main(["runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert (tmp_path / "named" / "runs.sqlite").is_file()
    assert main(["runs", "--json", "--workspace", str(tmp_path / "other")]) == 0
    assert (tmp_path / "other" / "runs.sqlite").is_file()


def test_encode_reads_a_sentence_a_line_from_standard_input(tmp_path: Path) -> None:
    (tmp_path / "any.model").write_bytes(vocabulary().source)
    lines = ["안녕하세요. ㅋㅋ", "", "널\x00문자"]
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "kobert_demo", "encode", "-", "--json"),
            *("--vocab", tmp_path / "any.model", "--max-length", "12"),
        ],
        cwd=PROJECT,
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(finished.stdout)
    assert [row["text"] for row in found] == lines
    assert list(found[0]) == ["text", *ENCODING]
    assert found[1]["input_ids"] == [2, 3, *[1] * 10]
    assert found[0]["tokens"][0] == "[CLS]"
    assert {len(row["input_ids"]) for row in found} == {12}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("널\x00과\u200b제어\x07", ["널과제어"]),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af", ["\u1112\u1161\u11ab\u1100\u1173\u11af"]),
        ("와!🎉漢字", ["와", "!", "🎉", "漢", "字"]),
        ("가" * 10_000, ["가" * 10_000]),
        ("[MASK] <b>", ["[", "MASK", "]", "<", "b", ">"]),
    ],
)
def test_encode_cuts_odd_text_as_it_says(
    shell: Shell, tmp_path: Path, text: str, words: list[str]
) -> None:
    (tmp_path / "any.model").write_bytes(vocabulary().source)
    processor = SentencePieceProcessor(model_proto=vocabulary().source)
    ids = [number for word in words for number in processor.encode(word)][:62]
    (found,) = shell("encode", text, "--vocab", tmp_path / "any.model")
    assert found["input_ids"] == [2, *ids, 3, *[1] * (62 - len(ids))]


def test_quick_verbs_do_not_import_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from kobert_demo.cli import main; "
        f"main(['encode', '안녕']); main(['runs', '--workspace', {str(tmp_path)!r}]); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'streamlit', 'ray')))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True)


@pytest.mark.parametrize(
    "verb",
    [
        *("check", "train", "classify", "encode", "verify", "import", "export"),
        *("runs", "watch", "history", "stop", "delete"),
    ],
)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "--json" in said
    assert "--workspace" in said


def test_wrong_words_get_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = write_tsv(tmp_path / "data.tsv")
    at = ("--workspace", tmp_path)
    assert "--help" in fails(capsys, "fly")
    assert "no file" in fails(capsys, "check", tmp_path / "none.tsv")
    assert "no column 9" in fails(capsys, "check", data, "--text-column", 9)
    assert "There is no model nowhere" in fails(capsys, "train", data, "--model", "nowhere", *at)
    assert "Epochs is 0" in fails(capsys, "train", data, "--epochs", 0, *at)
    assert "no run nobody" in fails(capsys, "classify", "--run", "nobody", "안녕", *at)
    assert ".spiece or .model" in fails(capsys, "encode", "--vocab", data, "안녕")
    assert "Maximum length is 3" in fails(capsys, "encode", "--max-length", 3, "안녕")
    assert "Maximum length is -3" in fails(capsys, "check", data, "--max-length", -3)
    assert "refuses" in fails(capsys, "check", "x" * 5_000)
    assert "There is no model" in fails(capsys, "check", data, "--model", "x" * 5_000)
    assert "workspace" in fails(capsys, "runs", "--workspace", data)
    assert "not trained to classify" in fails(capsys, "classify", "--model", "mini", "안녕")


def test_json_is_utf_8_whatever_was_typed(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "kobert_demo", "encode", b"\xff abc", "--json"],
        cwd=PROJECT,
        capture_output=True,
        check=True,
    )
    (found,) = json.loads(finished.stdout.decode("utf-8", errors="strict"))
    assert found["text"] == "\ufffd abc"


def test_a_reader_that_has_seen_enough_ends_the_verb_quietly() -> None:
    command = f"seq 20000 | {sys.executable} -m kobert_demo encode - | head -1"
    finished = subprocess.run(command, shell=True, cwd=PROJECT, capture_output=True, text=True)
    assert finished.stdout.count("\n") == 1
    assert finished.stderr == ""


def test_errors_are_said_in_korean_where_the_locale_is_korean(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "kobert_demo", "check", tmp_path / "none.tsv"],
        cwd=PROJECT,
        env={**os.environ, "LC_ALL": "ko_KR.UTF-8"},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 2
    assert "파일이 없습니다" in finished.stderr
