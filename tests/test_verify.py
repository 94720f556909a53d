"""Verdicts: KoBERT is proven by what its makers published, and an impostor is called one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from kobert_demo import verify as verification
from kobert_demo.errors import ModelError
from kobert_demo.model_files import BUILT_IN, find_model
from kobert_demo.sentence_pieces import SentencePieces
from kobert_demo.verify import Verdict, file_hashes, verdict_of, verify, verify_once
from tests.families import distilkobert, klue_bert, klue_roberta, kobert, monologg_kobert
from tests.models import save_tiny_model, vocabulary

SENTENCE = verification.PUBLISHED_SENTENCE


@pytest.fixture
def repository(tmp_path: Path) -> Callable[[Callable[[Path], None]], str]:
    def made(make: Callable[[Path], None]) -> str:
        torch.manual_seed(0)
        make(tmp_path / "model")
        return str(tmp_path / "model")

    return made


@pytest.fixture
def published(repository: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """A model for which the published figures hold: the real weights are no part of the tests."""
    name: str = repository(kobert)
    from kobert_demo.model import new_classifier

    encoder = new_classifier(find_model(name), ("0", "1"), 0.0, vocabulary()).base_model.eval()
    inputs = {key: torch.tensor(rows) for key, rows in verification.PUBLISHED_INPUT.items()}
    with torch.no_grad():
        row = encoder(**inputs).last_hidden_state[0, 0].tolist()
    monkeypatch.setattr(verification, "PUBLISHED_ENDS", (row[:3], row[-3:]))
    monkeypatch.setattr(verification, "PUBLISHED_IDS", vocabulary().sentence_ids(SENTENCE))
    return name


def answers(verdict: Verdict) -> dict[str, tuple[bool, str]]:
    return {str(check.name): (check.passed, str(check.answer)) for check in verdict.checks}


def test_what_agrees_with_everything_published_is_kobert(published: str) -> None:
    verdict = verify(find_model(published))
    assert verdict.kobert is True
    assert verdict.passed
    assert "as published" in answers(verdict)["KoBERT's vocabulary"][1]
    assert "as published" in answers(verdict)["KoBERT's weights"][1]


def test_the_published_figures_are_those_of_its_readme() -> None:
    assert verification.PUBLISHED_IDS == [4958, 6855, 2046, 7088, 1050, 7843, 54]
    assert verification.PUBLISHED_ENDS[0] == [-0.2461, 0.2428, 0.2590]
    assert verification.PUBLISHED_ENDS[1] == [-0.4861, -0.0731, 0.0756]


def test_weights_that_are_a_little_off_are_no_kobert(published: str) -> None:
    weights = Path(published) / "pytorch_model.bin"
    tensors = torch.load(weights, weights_only=True)
    tensors["encoder.layer.1.output.LayerNorm.bias"] += 2e-3
    torch.save(tensors, weights)
    verdict = verify(find_model(published))
    assert verdict.kobert is False
    assert answers(verdict)["KoBERT's vocabulary"][0]
    passed, answer = answers(verdict)["KoBERT's weights"]
    assert (passed, answer.startswith("No: the published example gives")) == (False, True)


def test_another_vocabulary_of_the_same_size_is_no_kobert(repository: Any) -> None:
    verdict = verify(find_model(repository(kobert)))
    assert verdict.kobert is False
    passed, answer = answers(verdict)["KoBERT's vocabulary"]
    found = " ".join(map(str, vocabulary().sentence_ids(SENTENCE)))
    assert not passed
    assert answer == (
        f"No: “{SENTENCE}” becomes {found}; published is 4958 6855 2046 7088 1050 7843 54."
    )


def test_the_name_alone_makes_a_model_answer_for_it(repository: Any) -> None:
    files = find_model(repository(klue_bert))
    assert verify(files).kobert is None
    named = type(files)("skt/kobert-base-v1", *list(vars(files).values())[1:])
    verdict = verify(named)
    assert verdict.kobert is False
    assert "special pieces are not KoBERT's" in answers(verdict)["KoBERT's vocabulary"][1]
    assert not answers(verdict)["KoBERT's weights"][0]


def test_distilkobert_is_asked_for_its_vocabulary_alone(repository: Any) -> None:
    verdict = verify(find_model(repository(distilkobert)))
    assert verdict.kobert is None
    assert "KoBERT's vocabulary" in answers(verdict)
    assert "KoBERT's weights" not in answers(verdict)


def test_monologgs_vocabulary_beside_its_list_of_pieces_is_read(repository: Any) -> None:
    files = find_model(repository(monologg_kobert))
    assert files.vocabulary.name == "tokenizer_78b3253a26.model"
    assert isinstance(verify(files), Verdict)


def test_special_pieces_of_other_ids_are_told(repository: Any) -> None:
    verdict = verify(find_model(repository(klue_bert)))
    passed, answer = answers(verdict)["Vocabulary"]
    assert passed
    assert answer.endswith("[UNK] [PAD] [CLS] [SEP] [MASK] are 1, 0, 2, 3, 4.")


def test_a_vocabulary_that_cannot_read_korean_fails(
    repository: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SentencePieces, "ids", lambda self, text: [self.unk_id] * 19 + [9])
    verdict = verify(find_model(repository(kobert)))
    assert answers(verdict)["Reads Korean"] == (
        False,
        "95.0% of the pieces of everyday Korean are [UNK].",
    )
    assert not verdict.passed


@pytest.mark.parametrize("name", ["mini", "mini-emotions"])
def test_the_built_in_models_are_those_of_their_cards(name: str) -> None:
    verdict = verify(find_model(name))
    assert (verdict.passed, verdict.kobert) == (True, None)
    assert file_hashes(find_model(name))[2]["sha256"] in answers(verdict)["Files"][1]


def test_changed_weights_of_a_built_in_model_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(BUILT_IN / "mini", tmp_path / "mini")
    weights = tmp_path / "mini" / "model.safetensors"
    tensors = load_file(weights)
    tensors[next(iter(tensors))][0] += 1
    save_file(tensors, weights, metadata={"format": "pt"})
    monkeypatch.setattr("kobert_demo.model_files.BUILT_IN", tmp_path)
    assert not answers(verify(find_model("mini")))["Files"][0]


def test_a_verdict_is_kept_until_the_files_change(
    published: str, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = find_model(published)
    assert verdict_of(files, workspace) is None
    first = verify_once(files, workspace)
    with monkeypatch.context() as patch:
        patch.setattr(verification, "verify", lambda files: pytest.fail("asked again"))
        assert verify_once(files, workspace) == first == verdict_of(files, workspace)
    weights = Path(published) / "pytorch_model.bin"
    torch.save(torch.load(weights, weights_only=True), weights)
    assert verdict_of(find_model(published), workspace) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"checks": [{}]}'])
def test_a_damaged_verdict_is_asked_for_anew(published: str, workspace: Path, content: str) -> None:
    files = find_model(published)
    verify_once(files, workspace)
    (kept,) = (workspace / "verified").iterdir()
    kept.write_text(content)
    assert verdict_of(files, workspace) is None
    assert verify_once(files, workspace).kobert
    assert json.loads(kept.read_text())["kobert"]


def test_a_verdict_speaks_the_readers_language(published: str, workspace: Path) -> None:
    verify_once(find_model(published), workspace)
    kept = verdict_of(find_model(published), workspace)
    assert kept is not None
    assert kept.checks[-1].answer.in_language("ko").startswith("공개된 예시에서 공개된 값 그대로")


def test_what_cannot_be_loaded_at_all_is_an_error(tmp_path: Path) -> None:
    save_tiny_model(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(ModelError, match="cannot be read"):
        verify(find_model(str(tmp_path)))


def test_a_folder_of_kobert_with_another_models_vocabulary_is_refused(
    published: str, tmp_path: Path
) -> None:
    (Path(published) / "spiece.model").unlink()
    klue_bert(tmp_path / "klue")
    shutil.copy(tmp_path / "klue" / "vocab.txt", published)
    with pytest.raises(ModelError, match="pieces but its weights know 8002"):
        verify(find_model(published))


@pytest.mark.parametrize("record", ["{}", '{"labels": ["a", "b"]}'])
def test_a_record_beside_an_encoder_does_not_excuse_it(repository: Any, record: str) -> None:
    name = repository(kobert)
    (Path(name) / "record.json").write_text(record)
    assert verify(find_model(name)).kobert is False


def test_a_bundle_is_not_asked_to_be_kobert(tmp_path: Path) -> None:
    shutil.copytree(BUILT_IN / "mini-emotions", tmp_path / "bundle")
    verdict = verify(find_model(str(tmp_path / "bundle")))
    assert (verdict.kobert, verdict.passed) == (None, True)


@pytest.mark.parametrize("weight", ["encoder.layer.0.output.dense.bias", "pooler.dense.weight"])
def test_weights_that_are_no_numbers_fail(repository: Any, weight: str) -> None:
    name = repository(kobert)
    weights = Path(name) / "pytorch_model.bin"
    tensors = torch.load(weights, weights_only=True)
    tensors[weight].view(-1)[0] = torch.nan
    torch.save(tensors, weights)
    found = answers(verify(find_model(name)))["Weights"]
    assert found == (False, "They hold or give values that are no numbers.")


def test_a_padding_id_that_is_not_the_vocabularys_fails(tmp_path: Path) -> None:
    klue_roberta(tmp_path)
    assert answers(verify(find_model(str(tmp_path))))["Weights"][0]
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "pad_token_id": 0}))
    passed, answer = answers(verify(find_model(str(tmp_path))))["Weights"]
    assert (passed, answer) == (False, "Their padding id is not the vocabulary's.")


def test_other_settings_are_looked_at_anew(published: str, workspace: Path) -> None:
    verify_once(find_model(published), workspace)
    config = Path(published) / "config.json"
    config.write_text(config.read_text().replace("gelu", "relu"))
    assert verdict_of(find_model(published), workspace) is None
    assert verify_once(find_model(published), workspace).kobert is False
