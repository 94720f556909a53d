"""Loading models: what is complete is loaded exactly, and what is not is said in one sentence."""

import json
import pickle
from pathlib import Path

import pytest
import torch

from kobert_demo.errors import ModelError
from kobert_demo.model import labels_of, load_classifier, new_classifier
from kobert_demo.model_files import built_in_models, find_model
from kobert_demo.vocabularies import read_vocabulary
from tests.models import save_tiny_model, tiny_model, vocabulary

LABELS = ("분노", "행복", "5")


def test_mini_is_built_in_and_has_its_own_vocabulary() -> None:
    assert "mini" in built_in_models()
    files = find_model("mini")
    assert files.vocabulary.suffix == ".spiece"
    assert files.shape.parameters == 4 * (4 * 256**2 + 2 * 256 * 1024)


def test_the_new_layer_has_the_labels_and_the_dropout() -> None:
    model = new_classifier(find_model("mini"), LABELS, 0.3, vocabulary())
    assert model.config.id2label == dict(enumerate(LABELS))
    assert model.classifier.out_features == 3
    assert model.dropout.p == 0.3


@pytest.mark.parametrize("weights", ["model.safetensors", "pytorch_model.bin"])
def test_both_kinds_of_weights_are_loaded_exactly(tmp_path: Path, weights: str) -> None:
    save_tiny_model(tmp_path)
    if weights == "pytorch_model.bin":
        (tmp_path / "model.safetensors").unlink()
        torch.save(tiny_model().state_dict(), tmp_path / weights)
    loaded = new_classifier(find_model(str(tmp_path)), LABELS, 0.1, vocabulary())
    expected = tiny_model().bert.state_dict()
    for name, value in loaded.bert.state_dict().items():
        assert torch.equal(value, expected[name]), name


def test_a_name_that_is_nothing_names_the_choices() -> None:
    with pytest.raises(
        ModelError, match=r"There is no model nothing: choose a built-in one \(mini"
    ):
        find_model("nothing")


def test_all_missing_files_are_named_together(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        find_model(str(tmp_path))
    for name in ("config.json", "model.safetensors", ".spiece"):
        assert name in str(caught.value)


@pytest.mark.parametrize(
    "config",
    [
        json.dumps({"model_type": "gpt2"}),
        json.dumps({"model_type": "bert", "hidden_size": "abc"}),
        json.dumps({"model_type": "bert", "max_position_embeddings": None}),
        *("{", "[]", "{}"),
    ],
)
def test_what_is_no_bert_is_refused_before_anything_is_loaded(tmp_path: Path, config: str) -> None:
    save_tiny_model(tmp_path)
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(ModelError, match="does not describe an encoder"):
        find_model(str(tmp_path))


@pytest.mark.parametrize("name", ["~nobody-of-this-name/x", "x" * 5_000, "a\0b", "/etc/passwd", ""])
def test_names_that_no_system_takes_are_no_models(name: str) -> None:
    with pytest.raises(ModelError):
        find_model(name)


def test_a_shape_that_is_left_out_is_that_of_bert_base(tmp_path: Path) -> None:
    save_tiny_model(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    assert find_model(str(tmp_path)).shape.parameters == 12 * (4 * 768**2 + 2 * 768 * 3072)


def test_a_vocabulary_of_another_size_is_refused(tmp_path: Path) -> None:
    save_tiny_model(tmp_path, tiny_model(vocab_size=9000))
    with pytest.raises(ModelError, match="has 8002 pieces but its weights know 9000"):
        new_classifier(find_model(str(tmp_path)), LABELS, 0.1, vocabulary())


def test_truncated_weights_are_refused(tmp_path: Path) -> None:
    save_tiny_model(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(ModelError, match="cannot be read"):
        new_classifier(find_model(str(tmp_path)), LABELS, 0.1, vocabulary())


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("pytorch_model.bin", b""),
        ("pytorch_model.bin", [torch.zeros(2)]),
        ("config.json", {"num_attention_heads": "abc"}),
        ("config.json", {"hidden_act": "nonsense"}),
    ],
)
def test_strange_files_are_refused_in_one_sentence(
    tmp_path: Path, file: str, content: object
) -> None:
    save_tiny_model(tmp_path)
    path = tmp_path / file
    if isinstance(content, dict):
        path.write_text(json.dumps({**json.loads(path.read_text()), **content}))
    else:
        (tmp_path / "model.safetensors").unlink()
        path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(ModelError, match="cannot be read: use a whole"):
        new_classifier(find_model(str(tmp_path)), LABELS, 0.1, vocabulary())


def test_a_classifier_with_a_vocabulary_of_another_size_is_refused(tmp_path: Path) -> None:
    save_tiny_model(tmp_path, tiny_model(vocab_size=9000))
    with pytest.raises(ModelError, match="has 8002 pieces but its weights know 9000"):
        load_classifier(find_model(str(tmp_path)), vocabulary())


class Trap:
    """A pickle that would write a file where it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, (f"open({str(self.path)!r}, 'w')",)


def test_a_malicious_pickle_is_refused_and_does_not_run(tmp_path: Path) -> None:
    model = save_tiny_model(tmp_path / "model")
    (model / "model.safetensors").unlink()
    with (model / "pytorch_model.bin").open("wb") as file:
        pickle.dump({"bert": Trap(tmp_path / "ran")}, file)
    with pytest.raises(ModelError, match="nothing but tensors"):
        new_classifier(find_model(str(model)), LABELS, 0.1, vocabulary())
    assert not (tmp_path / "ran").exists()


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    save_tiny_model(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(ModelError, match="lack 16 tensors"):
        new_classifier(find_model(str(tmp_path)), LABELS, 0.1, vocabulary())


def test_an_encoder_alone_is_no_classifier(tmp_path: Path) -> None:
    save_tiny_model(tmp_path)
    tiny_model().bert.save_pretrained(tmp_path)
    for name in (str(tmp_path), "mini"):
        with pytest.raises(ModelError, match="is not trained to classify"):
            load_classifier(find_model(name), vocabulary())


def test_labels_stand_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    save_tiny_model(tmp_path, tiny_model(labels=3))
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"id2label": {"2": "c", "0": "a", "1": "b"}, "label2id": {"a": 0, "b": 1, "c": 2}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    model = load_classifier(find_model(str(tmp_path)), vocabulary())
    assert labels_of(model) == ("a", "b", "c")


@pytest.mark.parametrize(
    "names", [{"0": "a", "1": "a"}, {"0": "a", "2": "b"}, {"0": "a", "1": 5}, {"0": None, "1": "b"}]
)
def test_labels_that_no_one_could_tell_apart_are_refused(tmp_path: Path, names: object) -> None:
    save_tiny_model(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "id2label": names}))
    with pytest.raises(ModelError, match=r"id2label|cannot be read"):
        load_classifier(find_model(str(tmp_path)), vocabulary())


@pytest.mark.parametrize(
    "sizes",
    [
        {"hidden_size": 0},
        {"num_hidden_layers": -1},
        {"num_hidden_layers": 10**6},
        {"num_attention_heads": 0},
        {"pad_token_id": 99_999},
    ],
)
def test_sizes_that_cannot_be_are_refused(tmp_path: Path, sizes: dict[str, int]) -> None:
    save_tiny_model(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, **sizes}))
    with pytest.raises(ModelError):
        new_classifier(find_model(str(tmp_path)), LABELS, 0.1, vocabulary())


@pytest.mark.parametrize("content", ["[" * 200_000, '{"hidden_size": 1e400, "model_type": "bert"}'])
def test_hostile_settings_are_refused(tmp_path: Path, content: str) -> None:
    save_tiny_model(tmp_path)
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ModelError, match="does not describe an encoder"):
        find_model(str(tmp_path))


def test_an_empty_vocabulary_is_refused(tmp_path: Path) -> None:
    save_tiny_model(tmp_path)
    (tmp_path / "tiny.spiece").write_bytes(b"")
    with pytest.raises(ModelError):
        read_vocabulary(find_model(str(tmp_path)).vocabulary)


def test_last_layers_are_kept_for_the_same_labels_and_drawn_anew_for_others(tmp_path: Path) -> None:
    trained = tiny_model()
    trained.config.id2label = {0: "분노", 1: "행복"}
    save_tiny_model(tmp_path, trained)
    files = find_model(str(tmp_path))
    same = new_classifier(files, ("분노", "행복"), 0.1, vocabulary())
    other = new_classifier(files, ("행복", "분노"), 0.1, vocabulary())
    assert torch.equal(same.classifier.weight, trained.classifier.weight)
    assert not torch.equal(other.classifier.weight, trained.classifier.weight)
    assert same.config.classifier_dropout == 0.1


def test_new_last_layers_begin_as_the_notebooks_do() -> None:
    """`nn.Linear`'s own beginning: uniform within 1 / sqrt(256), where transformers has 0.02."""
    weight = new_classifier(find_model("mini"), LABELS, 0.3, vocabulary()).classifier.weight
    assert weight.abs().max() <= 1 / 16
    assert weight.std().item() == pytest.approx(1 / 16 / 3**0.5, rel=0.1)
