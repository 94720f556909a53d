"""Pretraining in small: what is hidden, what is learnt, what is kept apart, what comes out."""

import lzma
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentencepiece.sentencepiece_model_pb2 import ModelProto
from transformers import BertForSequenceClassification

from kobert_demo.batches import Encoded
from kobert_demo.errors import DataError
from kobert_demo.pretraining import (
    Progress,
    Recipe,
    encode_sentences,
    evaluate,
    main,
    plan_batches,
    pretrain,
)
from kobert_demo.pretraining_data import (
    EMOTIONS,
    FILES,
    STARS,
    Sentence,
    fingerprint,
    held_out_ratings,
    read_corpus,
    split_comments,
    train_vocabulary,
)
from kobert_demo.pretraining_model import (
    Masking,
    Pretrainer,
    build,
    company_embeddings,
    export,
    piece_loss,
)
from kobert_demo.sentence_pieces import SentencePieces
from tests.models import tiny_config, vocabulary

DATA = Path(__file__).parents[2] / "shared" / "data"
GOOD = "정말 재미있고 감동적인 영화였어요"
BAD = "돈이 아까운 지루한 쓰레기 영화"
RECIPE = Recipe(passes=2.0, batch_size=64, learning_rate=5e-3, warmup_steps=2)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small only lose by a second thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def corpus(copies: int = 8) -> Encoded:
    sentences = [Sentence(GOOD, 9), Sentence(BAD, 0), Sentence("무서워서 못 보겠어요", STARS)]
    return encode_sentences([*sentences, Sentence("그냥 그래요")] * copies, vocabulary())


def tiny(seed: int = 0) -> Pretrainer:
    torch.manual_seed(seed)
    return Pretrainer(tiny_config(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0))


def write_data(folder: Path) -> Path:
    """Write the five files in small: twenty reviews and ten sentences of each emotion."""
    reviews = [f"{1 + 9 * (i % 2)}\t{(BAD, GOOD)[i % 2]} {i}번째" for i in range(20)]
    with lzma.open(folder / "nsmc-reviews.tsv.xz", "wt", encoding="utf-8") as file:
        file.write("\n".join(reviews) + "\n")
    rated = [f"{i}\t{(BAD, GOOD)[i % 2]} {i}번째\t{i % 2}" for i in range(20)]
    (folder / "nsmc-ratings-20k.tsv").write_text("\n".join(["id\tdocument\tlabel", *rated]))
    for kind in ("comments", "reddit-train", "reddit-dev"):
        rows = [f"{kind}에서 {e} {i}번\t{e}" for e in EMOTIONS for i in range(10)]
        (folder / f"emotions7-{kind}.tsv").write_text("\n".join(["sentence\tlabel", *rows]))
    return folder


def test_whole_words_are_hidden_and_others_each_time() -> None:
    ids = torch.tensor([vocabulary().ids("재미없어하시더라고요 뷁뷁뷁 그리고 끝났습니다")] * 200)
    masking = Masking(vocabulary(), 0.3)
    hidden, asked = masking(ids, seed=1)
    words = masking.starts_word[ids[0]].cumsum(0)
    for word in words.unique():
        of_word = asked[:, words == word]
        assert (of_word == of_word[:, :1]).all()
    assert 0.2 < asked.float().mean() < 0.4
    assert (hidden == ids)[~asked].all()
    assert 0.7 < (hidden == vocabulary().mask_id)[asked].float().mean() < 0.9
    assert not torch.equal(asked, masking(ids, seed=2)[1])
    assert torch.equal(hidden, masking(ids, seed=1)[0])


def test_special_pieces_are_never_hidden() -> None:
    encoded = corpus(1)
    special = torch.from_numpy(encoded.ids.astype(np.int64))[None]
    hidden, asked = Masking(vocabulary(), 1.0)(special, seed=0)
    kept = (special == vocabulary().cls_id) | (special == vocabulary().sep_id)
    assert torch.equal(asked, ~kept)
    assert torch.equal(hidden[kept], special[kept])


def test_batches_hold_every_row_once_within_their_size() -> None:
    encoded = corpus(30)
    planned = plan_batches(encoded, batch_size=100, seed=3)
    assert sorted(np.concatenate(planned)) == list(range(len(encoded)))
    assert all(encoded.lengths[rows].max() * len(rows) <= 100 for rows in planned)
    order = [rows.tolist() for rows in planned]
    assert order == [rows.tolist() for rows in plan_batches(encoded, 100, 3)]
    assert order != [rows.tolist() for rows in plan_batches(encoded, 100, 4)]


def test_all_three_losses_fall(tmp_path: Path) -> None:
    model = tiny()
    recipe = replace(RECIPE, passes=12.0)
    (before,) = pretrain(
        model, corpus(), vocabulary(), replace(recipe, passes=0.01), tmp_path / "a"
    )
    for after in pretrain(model, corpus(), vocabulary(), recipe, tmp_path / "b"):
        assert after.masked_loss < before.masked_loss
        assert after.stars_loss < before.stars_loss
        assert after.emotion_loss < before.emotion_loss


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_loss_of_pieces_and_its_gradient_are_those_of_cross_entropy(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    logits, target = (torch.randn(6, 50) * 4).to(dtype), torch.randint(50, (6,))
    ours, theirs = logits.clone().requires_grad_(), logits.float().requires_grad_()
    loss, expected = piece_loss(ours, target), torch.nn.functional.cross_entropy(theirs, target)
    (3 * loss).backward()
    (3 * expected).backward()
    torch.testing.assert_close(loss, expected)
    assert ours.grad is not None
    assert theirs.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad.to(dtype))
    assert torch.equal(ours.detach(), logits)
    assert piece_loss(logits[:0], target[:0]) == 0


def test_the_pooler_is_trained_by_stars_and_emotions_alone(tmp_path: Path) -> None:
    recipe = replace(RECIPE, passes=0.5, weight_decay=0.0)
    words_only = replace(recipe, stars_weight=0.0, emotion_weight=0.0)
    for settings, changes in ((recipe, True), (words_only, False)):
        model = tiny()
        list(pretrain(model, corpus(), vocabulary(), settings, tmp_path / f"{changes}"))
        same = torch.equal(model.bert.pooler.dense.weight, tiny().bert.pooler.dense.weight)
        assert same != changes


def test_ratings_are_told_apart_by_stars() -> None:
    model, masking = tiny(), Masking(vocabulary(), 0.2)
    torch.nn.init.zeros_(model.stars.weight)
    model.stars.bias.data = torch.eye(STARS)[9] * 10
    good = encode_sentences([Sentence(GOOD, 9)] * 30, vocabulary())
    mixed = encode_sentences([Sentence(GOOD, 9), Sentence(BAD, 0)] * 60, vocabulary())
    assert evaluate(model, good, masking)[1] == 1.0
    assert evaluate(model, mixed, masking)[1] == 0.5


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kobert_demo.pretraining.CHECKPOINT_STEPS", 3)
    whole, interrupted, resumed = tiny(), tiny(), tiny(seed=1)
    uninterrupted = pretrain(whole, corpus(), vocabulary(), RECIPE, tmp_path / "whole", shards=2)
    steps = [progress.step for progress in uninterrupted]
    assert steps[0] == 3
    assert steps[-1] > 6
    first: Progress = next(
        pretrain(interrupted, corpus(), vocabulary(), RECIPE, tmp_path / "part", shards=2)
    )
    assert first.step == 3
    list(pretrain(resumed, corpus(), vocabulary(), RECIPE, tmp_path / "part", shards=2))
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name


def test_the_learning_rate_rises_stays_and_falls_to_zero() -> None:
    recipe = Recipe(passes=4.0, learning_rate=1.0, warmup_steps=10, falling=0.5)
    assert recipe.rate(0, 0.0) == pytest.approx(0.1)
    assert recipe.rate(9, 0.1) == recipe.rate(500, 2.0) == 1.0
    assert recipe.rate(700, 3.0) == pytest.approx(0.5)
    assert recipe.rate(999, 4.0) == 0.0


def test_exported_weights_are_an_encoder_with_its_pooler(tmp_path: Path) -> None:
    model = tiny()
    export(model, tmp_path)
    model.bert.config.to_json_file(tmp_path / "config.json")
    loaded, report = BertForSequenceClassification.from_pretrained(
        tmp_path, num_labels=7, dtype=torch.float32, output_loading_info=True
    )
    assert set(report["missing_keys"]) == {"classifier.weight", "classifier.bias"}
    assert not report["unexpected_keys"]
    assert torch.equal(
        loaded.bert.pooler.dense.weight, model.bert.pooler.dense.weight.half().float()
    )
    assert {w.dtype for w in load_file(tmp_path / "model.safetensors").values()} == {torch.float16}


def test_the_short_way_through_the_last_layer_gives_what_the_whole_model_gives() -> None:
    model = tiny().eval()
    ids = torch.tensor([[2, 100, 200, 300, 3], [2, 400, 3, 1, 1]])
    attention = (ids != 1).long()
    asked = torch.tensor([[0, 0, 1, 0, 0], [0, 1, 0, 0, 0]]).bool()
    masked, stars, _ = model(ids, attention, asked)
    whole = model.bert(ids, attention_mask=attention)
    embeddings = model.bert.embeddings.word_embeddings.weight
    expected = model.masked(whole.last_hidden_state[asked]) @ embeddings.T + model.masked_bias
    torch.testing.assert_close(masked, expected)
    torch.testing.assert_close(stars, model.stars(whole.pooler_output))


def test_pieces_that_keep_the_same_company_start_close_together() -> None:
    random = np.random.default_rng(0)
    # Pieces 10 and 11 stand between 20s, piece 12 between 30s.
    triples = [
        (*random.integers(20, 30, 2), piece) if piece < 12 else (*random.integers(30, 40, 2), piece)
        for piece in random.integers(10, 13, 3000)
    ]
    ids = np.array([(a, piece, b, 2, 2, 2, 2, 2) for a, b, piece in triples], np.int32).ravel()
    torch.manual_seed(0)
    similar = torch.nn.functional.cosine_similarity
    vectors = company_embeddings(ids, size=40, width=8)
    assert similar(vectors[10], vectors[11], dim=0) > similar(vectors[10], vectors[12], dim=0) + 0.5
    model = build(tiny_config(vocab_size=40), ids)
    assert model.masked_bias[2] == model.masked_bias.max()


def test_what_is_held_out_is_not_learnt_from(tmp_path: Path) -> None:
    data = write_data(tmp_path)
    ratings, (train, held_out) = held_out_ratings(data), split_comments(data)
    assert 0 < len(ratings) < 20
    assert sorted(label for _, label in held_out) == sorted(list(EMOTIONS) * 2)
    texts = [sentence.text for sentence in read_corpus(data)]
    assert not {text for text, _ in [*ratings, *held_out]} & set(texts)
    assert {text for text, _ in train} <= set(texts)
    assert not any("reddit-dev" in text for text in texts)
    assert len(texts) == 20 - len(ratings) + 70 + 56


def test_spacing_does_not_hide_a_held_out_sentence() -> None:
    assert fingerprint("이 영화 정말  재미있다!") == fingerprint("이영화 정말재미있다 !")
    assert fingerprint("이 영화 정말 재미있다!") != fingerprint("이 영화 정말 재미없다!")


def test_a_vocabulary_has_the_special_pieces_and_no_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kobert_demo.pretraining_data.VOCABULARY_SIZE", 42)
    model = train_vocabulary([GOOD, BAD, "무서워서 못 보겠어요", "그냥 그래요"] * 20)
    (tmp_path / "new.spiece").write_bytes(model)
    trained = SentencePieces(tmp_path / "new.spiece")
    special = [trained.unk_id, trained.pad_id, trained.cls_id, trained.sep_id, trained.mask_id]
    assert special == [0, 1, 2, 3, 4]
    assert len(trained) == 42
    assert trained.unk_id not in trained.ids(GOOD)
    described = ModelProto.FromString(model).trainer_spec
    assert (list(described.input), described.model_prefix) == ([], "")


def test_missing_files_are_all_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_corpus(tmp_path)
    assert all(name in str(caught.value) for name in FILES)
    assert all(name in caught.value.in_language("ko") for name in FILES)


def test_the_command_makes_a_vocabulary_and_writes_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("kobert_demo.pretraining_data.VOCABULARY_SIZE", 74)
    (tmp_path / "data").mkdir()
    output = tmp_path / "output"
    output.mkdir()
    tiny_config(vocab_size=74).to_json_file(output / "config.json")
    options = ["--data", str(write_data(tmp_path / "data")), "--output", str(output)]
    options += ["--work", str(tmp_path / "work"), "--passes", "0.5", "--batch-size", "200"]
    main([*options, "--device", "cpu"])
    assert "held out: masked" in capsys.readouterr().out
    assert len(SentencePieces(output / "mini.spiece")) == 74
    assert "pooler.dense.weight" in load_file(output / "model.safetensors")
    assert (tmp_path / "work" / "model.safetensors").is_file()


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data is not here")
def test_the_held_out_fifths_are_those_of_the_model_card() -> None:
    train, held_out = split_comments(DATA)
    assert (len(train), len(held_out), len(held_out_ratings(DATA))) == (3452, 860, 4092)
