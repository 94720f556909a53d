"""A temperature in a bundle: every probability has it, and it can be taken back."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertForSequenceClassification, pipeline

from kobert_demo.bundle import read_record, save_bundle
from kobert_demo.errors import ModelError, RunError
from kobert_demo.evaluation.scoring import Scored, compute_logits, scored
from kobert_demo.evaluation.summary import summarize
from kobert_demo.export import export
from kobert_demo.predictor import Predictor
from kobert_demo.processes import lock_directory
from kobert_demo.runs import Runs
from kobert_demo.scaling import Fit, scale, temperature_of
from tests.evaluating import read
from tests.models import EIGHT, tiny_model, vocabulary, write_tsv

TEXTS = [text for text, _ in EIGHT]
RUN = "20260101-000000-abcd"
FIT = Fit(2.5, "0" * 64, 40, 0.3, 0.05)


@pytest.fixture
def runs(workspace: Path) -> Runs:
    """A workspace with one imported run of a tiny model that is sure of itself."""
    runs = Runs(workspace)
    model: BertForSequenceClassification = tiny_model(labels=2)
    with torch.no_grad():
        model.classifier.weight *= 40
    model.config.id2label = {0: "행복", 1: "분노"}
    record = {"config": {"model": "mini", "max_length": 24}, "labels": ["행복", "분노"]}
    record["imported"] = {"sha256": "0" * 64}
    save_bundle(runs.directory(RUN) / "bundle-0", model, vocabulary(), record, None)
    runs.store.add_imported(RUN, "tiny", record, "bundle-0")
    return runs


def logits(runs: Runs) -> np.ndarray:
    return Predictor(str(runs.bundle(RUN)), exact=True).logits(TEXTS)


def test_every_probability_has_the_temperature_from_then_on(runs: Runs, tmp_path: Path) -> None:
    before = logits(runs)
    after = scale(runs, RUN, FIT)
    assert after == runs.bundle(RUN)
    assert logits(runs) == pytest.approx(before / 2.5, rel=1e-5, abs=1e-6)
    expected = torch.from_numpy(before / 2.5).softmax(-1).max(-1).values.tolist()
    classify = pipeline("text-classification", str(after))
    assert [answer["score"] for answer in classify(TEXTS)] == pytest.approx(expected, abs=1e-4)
    export(after, "directory", tmp_path / "taken")
    assert temperature_of(tmp_path / "taken") == 2.5


def test_a_second_temperature_replaces_the_first_and_none_takes_it_back(runs: Runs) -> None:
    before = logits(runs)
    scale(runs, RUN, FIT)
    scale(runs, RUN, Fit(0.5, "1" * 64, 40, 0.3, 0.05))
    assert logits(runs) == pytest.approx(before / 0.5, rel=1e-5, abs=1e-6)
    bare = scale(runs, RUN, None)
    assert logits(runs) == pytest.approx(before, rel=1e-5, abs=1e-6)
    assert temperature_of(bare) == 1
    assert "temperature_fit" not in read_record(bare)
    assert "Confidence" not in (bare / "README.md").read_text(encoding="utf-8")


def test_the_bundle_tells_where_its_temperature_comes_from(runs: Runs) -> None:
    card_before = (runs.bundle(RUN) / "README.md").read_text(encoding="utf-8")
    bundle = scale(runs, RUN, FIT)
    told = json.loads((bundle / "record.json").read_text(encoding="utf-8"))
    assert told["temperature"] == 2.5
    assert told["temperature_fit"] == {
        "data_sha256": "0" * 64,
        "rows": 40,
        "error_before": 0.3,
        "error_after": 0.05,
    }
    card = (bundle / "README.md").read_text(encoding="utf-8")
    assert card.startswith(card_before)
    assert card.count("temperature 2.5") == 1
    assert {path.stat().st_mode & 0o777 for path in bundle.iterdir()} == {0o644}
    assert [path.name for path in runs.directory(RUN).glob("*bundle*")] == [bundle.name]


def test_a_bundle_that_cannot_be_scaled_stays_as_it_is(runs: Runs) -> None:
    bundle = runs.bundle(RUN)
    (bundle / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError, match="cannot be read"):
        scale(runs, RUN, FIT)
    assert runs.bundle(RUN) == bundle
    assert not list(runs.directory(RUN).glob(".unfinished*"))


def test_a_run_that_something_works_on_is_left_alone(runs: Runs) -> None:
    with (
        lock_directory(runs.directory(RUN)),
        pytest.raises(RunError, match="being worked on just now"),
    ):
        scale(runs, RUN, FIT)


def test_scaling_makes_the_error_smaller_and_other_data_is_judged_as_it_is(
    runs: Runs, tmp_path: Path
) -> None:
    data = read(write_tsv(tmp_path / "data.tsv", copies=40))
    data = data.take(np.arange(len(data)))

    def look(of: Scored) -> tuple[float, float, float, bool]:
        honest = summarize(of, None).honesty
        return honest.before.error, honest.after.error, honest.temperature, honest.cross_fitted

    bundle = runs.bundle(RUN)
    before, after, temperature, cross_fitted = look(
        scored(bundle, data, compute_logits(bundle, data))
    )
    assert cross_fitted
    assert after < before / 2
    bundle = scale(runs, RUN, Fit(temperature, data.sha256, len(data), before, after))
    same = look(scored(bundle, data, compute_logits(bundle, data)))
    assert same == pytest.approx((before, after, temperature, True), abs=1e-3)
    other = read(write_tsv(tmp_path / "other.tsv", copies=30, ending=" 요"))
    found = scored(bundle, other, compute_logits(bundle, other))
    assert not summarize(found, None).honesty.cross_fitted
    assert summarize(found, None).honesty.after.error == pytest.approx(
        summarize(found, None).ece, abs=1e-9
    )
