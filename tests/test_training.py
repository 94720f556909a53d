"""The training loop: it learns, repeats itself, tells exact figures, and can be left at any step."""

import io
from dataclasses import asdict
from itertools import islice

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn.functional import cross_entropy

from kobert_demo.batches import collate
from kobert_demo.config import TrainingConfig
from kobert_demo.encoded import encode_texts
from kobert_demo.events import Evaluation, Event, Settled, TrainStep
from kobert_demo.meter import Meter
from kobert_demo.training import class_weights, evaluate, train
from tests.models import EIGHT, eight_sentences, tiny_model, vocabulary


def config(**changes: object) -> TrainingConfig:
    values: dict[str, object] = {
        "epochs": 2,
        "batch_size": 4,
        "learning_rate": 1e-3,
        "dropout": 0.1,
    }
    return TrainingConfig(**{**values, **changes})


def run(settings: TrainingConfig) -> list[TrainStep | Evaluation]:
    model = tiny_model(seed=settings.seed)
    events = train(model, eight_sentences(), eight_sentences(), settings)
    return [event for event in events if isinstance(event, TrainStep | Evaluation)]


def test_a_long_evaluation_can_be_left_at_each_batch() -> None:
    events = evaluate(tiny_model(), eight_sentences(), batch_size=3, step=5, epoch=1)
    kinds = [type(event).__name__ for event in events]
    assert kinds == ["Evaluating", "Evaluating", "Evaluating", "Evaluation"]


def test_eight_sentences_are_learnt_to_zero_loss() -> None:
    events = run(config(epochs=60, batch_size=8, learning_rate=1e-2, warmup_ratio=0.05))
    last = events[-1]
    assert isinstance(last, Evaluation)
    assert last.loss < 0.01
    assert last.accuracy == last.macro_f1 == 1.0
    assert last.confusion.tolist() == [[4, 0], [0, 4]]


def test_the_same_seed_gives_the_same_numbers() -> None:
    def numbers(settings: TrainingConfig) -> list[float]:
        return [event.loss for event in run(settings)]

    assert numbers(config(seed=1)) == numbers(config(seed=1))
    assert numbers(config(seed=1)) != numbers(config(seed=2))


def test_events_come_in_order_with_an_evaluation_after_each_epoch() -> None:
    events = run(config())
    kinds = [type(event).__name__ for event in events]
    assert kinds == ["TrainStep", "TrainStep", "Evaluation"] * 2
    assert [event.step for event in events] == [1, 2, 2, 3, 4, 4]
    assert [event.epoch for event in events] == [1, 1, 1, 2, 2, 2]
    assert [event.sentences for event in events if isinstance(event, TrainStep)] == [4, 8, 12, 16]


def test_evaluations_can_come_more_often() -> None:
    steps = [event.step for event in run(config(evaluate_every=1)) if isinstance(event, Evaluation)]
    assert steps == [1, 2, 3, 4]


def test_the_learning_rate_rises_and_follows_a_cosine_to_zero() -> None:
    events = run(config(epochs=10, warmup_ratio=0.2))
    rates = [event.learning_rate for event in events if isinstance(event, TrainStep)]
    assert rates[:5] == pytest.approx([0, 0.00025, 0.0005, 0.00075, 0.001])
    assert rates[12] == pytest.approx(0.0005)
    assert rates[-1] < 0.00002


def test_running_accuracy_counts_sentences_not_batches() -> None:
    texts, labels = zip(*EIGHT[:5], strict=True)
    data = encode_texts(texts, np.array(labels), vocabulary(), 16)
    events = train(tiny_model(), data, data, config(epochs=1, batch_size=4))
    _, last = [event for event in events if isinstance(event, TrainStep)]
    assert (last.accuracy * 5) % 1 == pytest.approx(0, abs=1e-9)


def test_evaluation_figures_are_exact_whatever_the_batch_size() -> None:
    model = tiny_model(labels=2)
    data = eight_sentences().take(np.array([5, 0, 7, 1, 4, 2, 6, 3]))  # short ones are last, too
    whole = collate(data, np.arange(8))
    model.eval()
    with torch.no_grad():
        logits = model(input_ids=whole.input_ids, attention_mask=whole.attention_mask).logits
    expected = cross_entropy(logits, whole.labels).item()
    for batch_size in (1, 3, 8):
        *_, found = evaluate(model, data, batch_size, step=1, epoch=1)
        assert isinstance(found, Evaluation)
        assert found.loss == pytest.approx(expected, abs=1e-6)
        assert found.accuracy == (logits.argmax(-1) == whole.labels).float().mean().item()
        assert found.answers.tolist() == [whole.labels.tolist(), logits.argmax(-1).tolist()]


def test_weight_decay_spares_biases_and_layer_norm() -> None:
    model = tiny_model()
    unread = vocabulary().ids("漢")[
        0
    ]  # in no sentence: without a gradient only decay moves its row
    words = model.bert.embeddings.word_embeddings.weight
    before = words[unread].detach().clone()
    settings = config(learning_rate=0.01, weight_decay=1.0, warmup_ratio=0.0)
    next(train(model, eight_sentences(), eight_sentences(), settings))
    assert torch.allclose(words[unread], before * 0.99)
    # AdamW's first step moves every weight by at most the rate; decay would take 0.01 more from a 1.
    assert (model.bert.embeddings.LayerNorm.weight - 1).abs().max() < 0.011


def test_gradients_are_clipped_but_their_norm_is_told_unclipped() -> None:
    def first(norm: float) -> TrainStep:
        model = tiny_model()
        events = train(model, eight_sentences(), eight_sentences(), config(max_grad_norm=norm))
        event = next(events)
        assert isinstance(event, TrainStep)
        clipped = sum(float((p.grad**2).sum()) for p in model.parameters() if p.grad is not None)
        assert clipped**0.5 <= norm * 1.01
        return event

    assert first(0.01).grad_norm == pytest.approx(first(1e6).grad_norm)
    assert first(0.01).grad_norm > 0.01


def test_leaving_the_loop_stops_the_training() -> None:
    model = tiny_model()
    events = train(model, eight_sentences(), eight_sentences(), config(epochs=1000))
    taken = list(islice(events, 3))
    events.close()
    assert len(taken) == 3


def test_on_an_accelerator_results_are_read_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a loss waits for the device, so several steps share one look; none is lost."""
    now = [0.0]
    monkeypatch.setattr("kobert_demo.meter.time.perf_counter", lambda: now[0])
    meter = Meter(torch.device("cuda"))
    meter.start_epoch(1)
    for step in range(3):
        now[0] += 0.09
        assert meter.due() == (step == 2)
        meter.add(4, 1e-4, torch.tensor([float(step), 2.0, 0.5]))
    steps = list(meter.read())
    assert [(event.step, event.loss, event.accuracy) for event in steps] == [
        (1, 0.0, 0.5),
        (2, 1.0, 0.5),
        (3, 2.0, 0.5),
    ]
    assert steps[-1].seconds == pytest.approx(0.27)
    assert not meter.due()


def numbers(events: list[Event]) -> list[dict[str, object]]:
    """What steps and evaluations told, without the time they took."""
    return [
        {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in asdict(event).items()
            if name != "seconds"
        }
        for event in events
        if isinstance(event, TrainStep | Evaluation)
    ]


def test_from_every_settled_moment_training_goes_on_as_if_it_had_not_been_left() -> None:
    """Losses and final weights, bit for bit; through the bytes of a file, into another model."""
    settings = config(epochs=3, batch_size=2, evaluate_every=3, dropout=0.3, class_weights=0.5)
    whole = tiny_model(seed=1)
    events: list[Event] = []
    moments = []
    for event in train(whole, eight_sentences(), eight_sentences(), settings):
        events.append(event)
        if isinstance(event, Settled):
            torch.save(event.state(), state := io.BytesIO())
            moments.append((len(events), state))
    assert len(moments) == 12 + 6  # a step each, and after each evaluation
    for told, state in moments:
        state.seek(0)
        start = torch.load(state, weights_only=True)
        torch.manual_seed(99)
        other = tiny_model(seed=2)
        rest = list(train(other, eight_sentences(), eight_sentences(), settings, start))
        assert numbers(rest) == numbers(events[told:])
        for name, weight in whole.state_dict().items():
            assert torch.equal(other.state_dict()[name], weight), name


def test_patience_ends_the_training_and_is_not_forgotten() -> None:
    settings = config(epochs=50, learning_rate=1e-8, patience=3)  # it hardly moves
    events = list(train(tiny_model(), eight_sentences(), eight_sentences(), settings))
    f1s = [event.macro_f1 for event in events if isinstance(event, Evaluation)]
    losses = [event.loss for event in events if isinstance(event, Evaluation)]
    best = max(range(len(f1s)), key=lambda at: (f1s[at], -losses[at]))
    assert len(f1s) == best + 1 + 3 < 50
    last = events[-1]
    assert isinstance(last, Settled)
    again = train(tiny_model(), eight_sentences(), eight_sentences(), settings, last.state())
    assert list(again) == []


def test_accumulated_batches_are_one_large_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kobert_demo.stepping.multiplies_bfloat16", lambda kind: False)

    def steps(**changes: object) -> list[TrainStep]:
        settings = config(epochs=2, dropout=0.0, **changes)
        model = tiny_model(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        events = train(model, eight_sentences(), eight_sentences(), settings)
        return [event for event in events if isinstance(event, TrainStep)]

    large = steps(batch_size=8)
    small = steps(batch_size=2, gradient_accumulation=4)
    assert [step.sentences for step in small] == [step.sentences for step in large] == [8, 16]
    for one, other in zip(small, large, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-5)
        assert one.grad_norm == pytest.approx(other.grad_norm, rel=1e-4)


def test_class_weights_are_those_of_scikit_learn() -> None:
    labels = np.array([0] * 10 + [1] * 3 + [2])
    found = class_weights(labels, 3, 1.0)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    assert found is not None
    assert found.numpy() == pytest.approx(expected)
    half = class_weights(labels, 3, 0.5)
    assert half is not None
    assert half.numpy() == pytest.approx(expected**0.5)
    assert class_weights(labels, 3, 0.0) is None


def test_weighted_loss_is_the_weighted_mean_of_the_batch_in_whatever_parts() -> None:
    texts, labels = zip(*EIGHT[:6], strict=True)  # four of one label, two of the other
    data = encode_texts(texts, np.array(labels), vocabulary(), 16)
    for accumulated in (1, 3):
        model = tiny_model(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        whole = collate(data, np.arange(6))
        logits = model(input_ids=whole.input_ids, attention_mask=whole.attention_mask).logits
        weights = class_weights(data.labels, 2, 1.0)
        expected = cross_entropy(logits, whole.labels, weights).item()
        settings = config(
            batch_size=6 // accumulated,
            gradient_accumulation=accumulated,
            dropout=0.0,
            class_weights=1.0,
        )
        first = next(train(model, data, data, settings))
        assert isinstance(first, TrainStep)
        assert first.loss == pytest.approx(expected, rel=2e-2)  # bfloat16 where the CPU has it


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")
def test_training_on_cuda_learns_in_bfloat16() -> None:
    model = tiny_model().to("cuda")
    settings = config(epochs=60, batch_size=8, learning_rate=1e-2, warmup_ratio=0.05)
    events = list(train(model, eight_sentences(), eight_sentences(), settings))
    assert [event.step for event in events if isinstance(event, TrainStep)] == list(range(1, 61))
    assert [event.loss for event in events if isinstance(event, Evaluation)][-1] < 0.05
