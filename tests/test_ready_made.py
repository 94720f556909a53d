"""Making the ready-made classifier: what it reads, how it is balanced, what it writes."""

import json
from collections import Counter
from pathlib import Path

import pytest

from kobert_demo import ready_made
from kobert_demo.config import TrainingConfig
from kobert_demo.predictor import Predictor
from kobert_demo.pretraining_data import EMOTIONS, fingerprint, read_rows, split_comments
from kobert_demo.ready_made import balanced, main, read_sentences
from tests.models import save_tiny_model
from tests.test_pretraining import write_data


def test_rare_labels_are_repeated() -> None:
    rows = [(f"흔한 {i}", "행복") for i in range(50)] + [(f"드문 {i}", "공포") for i in range(3)]
    found = balanced(rows, least=10)
    assert Counter(label for _, label in found) == {"행복": 50, "공포": 10}
    assert len({text for text, _ in found}) == 53


def test_what_it_is_judged_by_is_neither_read_nor_scaled_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_data(tmp_path)
    apart = [text for text, _ in split_comments(data)[1]]
    apart += [text for text, _ in read_rows(data / "emotions7-reddit-dev.tsv")]
    for name in ("everyday.tsv", "sample-test.tsv"):
        apart += [text for text, _ in read_rows(ready_made.OWN_DATA / name)]
    sample = [(f" {text} ", "공포") for text in apart]  # the same, but for spacing
    (tmp_path / "sample.tsv").write_text(
        "\n".join(["sentence\tlabel", *map("\t".join, sample), "새 문장\t행복"]), encoding="utf-8"
    )
    for name in ready_made.OWN_JUDGES:
        (tmp_path / name).write_bytes((ready_made.OWN_DATA / name).read_bytes())
    monkeypatch.setattr(ready_made, "OWN_DATA", tmp_path)
    read, scaled_on = read_sentences(data)
    assert scaled_on
    assert ("새 문장", "행복") in read
    learnt = {fingerprint(text) for text, _ in read}
    assert not learnt & set(map(fingerprint, apart))
    held_out = {fingerprint(text) for text, _ in split_comments(data)[1]}
    assert held_out < {fingerprint(text) for text, _ in scaled_on}
    assert not {text for text, _ in read} & {text for text, _ in scaled_on}


def test_missing_files_are_all_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="emotions7-reddit-dev"):
        main(["--data", str(tmp_path), "--output", str(tmp_path / "made")])


def test_the_command_writes_a_classifier_with_its_scaled_confidence_and_its_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = str(save_tiny_model(tmp_path / "tiny"))
    few = [(f"{emotion} {i}", emotion) for emotion in EMOTIONS for i in range(8)]
    monkeypatch.setattr(ready_made, "CONFIG", TrainingConfig(tiny, epochs=1, learning_rate=1e-2))
    monkeypatch.setattr(ready_made, "read_sentences", lambda data: (few, few[::2]))
    monkeypatch.setattr(ready_made, "read_judges", lambda data: {"few": few})
    monkeypatch.setattr(ready_made, "check_files", lambda data: None)
    main(["--data", str(tmp_path), "--output", str(tmp_path / "made")])
    record = json.loads((tmp_path / "made" / "record.json").read_text(encoding="utf-8"))
    assert record["measured"]["few"]["sentences"] == 56
    assert set(record["measured"]["few"]["recall"]) == set(EMOTIONS)
    assert record["temperature"] > 0
    predictor = Predictor(str(tmp_path / "made"))
    assert predictor.labels == EMOTIONS
    assert predictor.max_length == 64
