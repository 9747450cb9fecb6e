"""Settings made in Python: what can be assigned, and what is said of the rest."""

from __future__ import annotations

import copy
from enum import Enum, StrEnum
from typing import Any

import numpy as np
import pytest

from clika_core.errors import SettingsError
from clika_core.settings import LayerQuantizationSettings, Settings
from clika_core.settings.sections import TrainingSettings


def _refusal(section: str, key: str, value: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        setattr(getattr(Settings(), section), key, value)
    return str(caught.value).partition(": ")[2]  # without the place


def test_an_accepted_value_can_be_read_back() -> None:
    settings = Settings()
    settings.training_settings.learning_rate = 1e-4
    settings.global_quantization_settings.skip_tail_quantization = ["output_1"]
    assert settings.training_settings.learning_rate == 1e-4
    assert settings.global_quantization_settings.skip_tail_quantization == ("output_1",)


def test_an_unknown_key_is_refused_with_the_nearest_name() -> None:
    assert _refusal("training_settings", "num_epoch", 3) == (
        "training_settings has no setting 'num_epoch'\n  fix: did you mean 'num_epochs'?"
    )


def test_a_key_far_from_all_others_is_refused_with_the_list_of_keys() -> None:
    assert _refusal("distributed_training_settings", "zzz", 3) == (
        "distributed_training_settings has no setting 'zzz'\n  expected: one of multi_gpu, use_sharding"
    )


def test_an_unknown_section_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(SettingsError, match="did you mean 'training_settings'"):
        Settings().traning_settings = TrainingSettings()


def test_a_wrong_type_is_refused_with_what_was_found_and_expected() -> None:
    assert _refusal("training_settings", "num_epochs", "ten") == (
        "invalid value of training_settings.num_epochs\n"
        "  found: the text 'ten'\n"
        "  expected: an integer of at least 0"
    )


@pytest.mark.parametrize(
    ("section", "key", "value", "found"),
    [
        ("training_settings", "num_epochs", True, "true"),
        ("training_settings", "num_epochs", 1.0, "1.0"),
        ("training_settings", "num_epochs", -1, "-1"),
        ("training_settings", "num_epochs", None, "null"),
        ("training_settings", "learning_rate", False, "false"),
        ("training_settings", "learning_rate", 0, "0.0"),
        ("training_settings", "learning_rate", float("nan"), "nan"),
        ("training_settings", "learning_rate", float("inf"), "inf"),
        ("training_settings", "learning_rate", 10**400, "an integer of 1329 bits"),
        ("training_settings", "random_seed", 2**32, "4294967296"),
        ("training_settings", "reset_eval_data", 1, "1"),
        ("training_settings", "reset_eval_data", "no", "the text 'no'"),
        ("training_settings", "amp_dtype", "float32", "the text 'float32'"),
        ("global_quantization_settings", "weights_num_bits", 1, "1"),
        ("global_quantization_settings", "weights_num_bits", 17, "17"),
        ("global_quantization_settings", "skip_tail_quantization", "output_1", "the text 'output_1'"),
        ("global_quantization_settings", "skip_tail_quantization", [], "an empty list"),
        ("global_quantization_settings", "skip_tail_quantization", [1], "1"),
        ("global_quantization_settings", "skip_tail_quantization", ["a\nb"], r"the text 'a\nb'"),
        ("global_quantization_settings", "quantization_sensitivity_threshold", -0.1, "-0.1"),
        ("deployment_settings", "target_framework", "ORT", "the text 'ORT'"),
        ("deployment_settings", "target_framework", {}, "a mapping"),
        ("deployment_settings", "cpu", "x86", "the text 'x86'"),
    ],
)  # fmt: skip
def test_values_outside_type_or_range_are_refused(section: str, key: str, value: Any, found: str) -> None:
    assert f"\n  found: {found}\n  expected: " in _refusal(section, key, value)


def test_a_refused_value_leaves_the_old_one() -> None:
    settings = Settings()
    settings.training_settings.num_epochs = 3
    with pytest.raises(SettingsError):
        settings.training_settings.num_epochs = -1
    assert settings.training_settings.num_epochs == 3


def test_numbers_of_numpy_become_numbers_of_python() -> None:
    settings = Settings()
    settings.training_settings.num_epochs = np.int64(3)  # type: ignore[assignment]
    settings.training_settings.learning_rate = np.float32(0.5)  # type: ignore[assignment]
    assert type(settings.training_settings.num_epochs) is int
    assert type(settings.training_settings.learning_rate) is float


def test_members_of_string_enums_become_plain_text() -> None:
    class Modern(StrEnum):
        HALF = "float16"

    class Classic(str, Enum):  # noqa: UP042  the older way to write one
        HALF = "float16"

    for half in (Modern.HALF, Classic.HALF):
        settings = Settings()
        settings.training_settings.amp_dtype = half
        assert type(settings.training_settings.amp_dtype) is str
        assert settings.training_settings.amp_dtype == "float16"


def test_a_target_of_a_plugin_is_accepted_by_its_name() -> None:
    settings = Settings()
    settings.deployment_settings.target_framework = "my_npu"
    assert settings.deployment_settings.target_framework == "my_npu"


def test_the_error_and_the_setting_know_the_line_of_the_assignment() -> None:
    settings = Settings()
    settings.training_settings.num_epochs = 3
    place = settings.location_of("training_settings", "num_epochs")
    assert place is not None
    assert place.file == __file__
    with pytest.raises(SettingsError) as caught:
        settings.training_settings.num_epochs = "x"  # type: ignore[assignment]
    assert caught.value.location is not None
    assert caught.value.location.line == place.line + 5


def test_a_default_has_no_place() -> None:
    assert Settings().location_of("training_settings", "num_epochs") is None


def test_the_place_of_a_key_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(SettingsError, match="did you mean 'num_epochs'"):
        Settings().location_of("training_settings", "num_epoch")
    with pytest.raises(SettingsError, match="did you mean 'training_settings'"):
        Settings().location_of("training_setting", "num_epochs")


def test_a_whole_section_can_be_replaced_by_one_of_its_kind_only() -> None:
    settings, section = Settings(), TrainingSettings()
    section.num_epochs = 4
    settings.training_settings = section
    assert settings.training_settings.num_epochs == 4
    with pytest.raises(SettingsError, match=r"expected: DeploymentSettings\(\)"):
        settings.deployment_settings = section  # type: ignore[assignment]
    with pytest.raises(SettingsError, match="call set_quantization_settings_for_layer"):
        settings.layer_settings = {}  # type: ignore[misc]


def test_settings_are_equal_when_values_are_whatever_their_places() -> None:
    first, second = Settings(), Settings()
    first.training_settings.num_epochs = 3
    assert first != second
    second.training_settings.num_epochs = 3
    assert first == second
    assert first.location_of("training_settings", "num_epochs") != second.location_of(
        "training_settings", "num_epochs"
    )


def test_a_deep_copy_is_equal_and_independent() -> None:
    settings = Settings()
    settings.training_settings.num_epochs = 3
    settings.set_quantization_settings_for_layer("a", LayerQuantizationSettings(skip_quantization=True))
    twin = copy.deepcopy(settings)
    assert twin == settings
    twin.training_settings.num_epochs = 4
    assert settings.training_settings.num_epochs == 3


def test_the_representation_shows_what_differs_from_the_defaults() -> None:
    settings = Settings()
    assert repr(settings) == "Settings()"
    settings.training_settings.num_epochs = 3
    settings.set_quantization_settings_for_layer("conv_1", LayerQuantizationSettings(skip_quantization=True))
    assert repr(settings) == (
        "Settings(TrainingSettings(num_epochs=3), 'conv_1': LayerQuantizationSettings(skip_quantization=True))"
    )
