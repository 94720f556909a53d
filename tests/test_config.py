"""Settings: the notebook's defaults, and all problems said together."""

import math

import pytest

from kobert_demo.config import PRESETS, SETTINGS, TrainingConfig, preset
from kobert_demo.errors import ConfigError


def test_the_defaults_are_the_notebooks() -> None:
    config = TrainingConfig()
    assert (config.max_length, config.batch_size, config.epochs) == (64, 64, 5)
    assert (config.learning_rate, config.warmup_ratio) == (5e-5, 0.1)
    assert (config.max_grad_norm, config.dropout, config.weight_decay) == (1.0, 0.5, 0.01)


def test_a_model_without_a_preset_has_the_notebooks_values() -> None:
    assert preset("/some/kobert") == TrainingConfig(model="/some/kobert")


@pytest.mark.parametrize("model", PRESETS)
def test_a_preset_is_of_its_model_and_differs_from_the_notebook(model: str) -> None:
    config = preset(model)
    assert config.model == model
    for name in PRESETS[model]:
        assert getattr(config, name) != getattr(TrainingConfig, name)


def test_all_problems_are_said_together_in_both_languages() -> None:
    with pytest.raises(ConfigError) as caught:
        TrainingConfig(epochs=0, dropout=1.5, learning_rate=math.nan)
    said = str(caught.value)
    assert "Epochs is 0: give a number from 1 to 1000." in said
    assert "Dropout is 1.5" in said
    assert "Learning rate is nan" in said
    assert "에폭" in caught.value.in_language("ko")


@pytest.mark.parametrize("name", SETTINGS)
def test_every_limit_itself_is_allowed(name: str) -> None:
    setting = SETTINGS[name]
    for value in (setting.lowest, setting.highest):
        assert getattr(TrainingConfig(**{name: value}), name) == value
