"""The keys and defaults of the settings file, against the text that documents them."""

from __future__ import annotations

from typing import Any

import yaml

from clika_core.settings import Settings
from clika_core.settings.load import parse_settings
from clika_core.settings.sections import SECTIONS

# The compatibility contract's settings file, with its rules left out.
CONTRACT = """
deployment_settings:
  target_framework: ort            # ort | ov | trt | tflite | qnn | stablehlo
  weights_utilize_full_int_range: null   # null: true
  cpu: null                        # vnni | avx2 | arm | null: unknown
distributed_training_settings:
  multi_gpu: false
  use_sharding: false              # false: data parallel (DDP); true: sharded (FSDP)
global_quantization_settings:
  method: null                     # qat | ptq; null: qat for clika_compress, ptq for `clika compress`
  weights_num_bits: 8
  activations_num_bits: 8
  skip_tail_quantization: null     # null: yes; false; or a list of outputs
  automatic_skip_quantization: true
  quantization_sensitivity_threshold: null
  quantization_sensitivity_measure: relative
training_settings:
  num_epochs: 10
  learning_rate: null              # with the built-in optimizer
  original_last_learning_rate: null
  grads_acc_steps: 1
  steps_per_epoch: null
  evaluation_steps: null
  lr_warmup_epochs: 1
  lr_warmup_steps_per_epoch: 500
  amp_dtype: null                  # float16 | bfloat16 | null
  weights_dtype: null
  stats_steps: 20                  # calibration batches
  activations_offloading: false
  params_offloading: false
  clip_grad_norm_val: null
  clip_grad_norm_type: 2.0
  save_interval: null              # epochs
  print_interval: 100
  print_ma_window_size: 50
  reset_train_data: false
  reset_eval_data: true
  skip_initial_eval: false
  random_seed: null
  is_training_from_scratch: false
layer_settings: {}
"""
OWN_ADDITIONS = {
    ("global_quantization_settings", "activation_balancing"),
    ("global_quantization_settings", "bias_correction"),
    *(
        ("global_quantization_settings", key)
        for key in (
            "adaptive_rounding",
            "cross_layer_equalization",
            "mse_weight_ranges",
            "scale_correction",
        )
    ),
    ("global_quantization_settings", "observer"),
    ("global_quantization_settings", "weights_group_size"),
    *(
        ("training_settings", key)
        for key in (
            "learning_rate_schedule",
            "learn_scales",
            "distillation",
            "distillation_weight",
            "distillation_temperature",
            "early_stop_epochs",
            "freeze_observers_after_epochs",
            "freeze_scales_after_epochs",
            "gradient_checkpointing",
        )
    ),
}


def test_every_documented_key_exists_with_the_documented_default() -> None:
    assert parse_settings(CONTRACT) == Settings()
    for section, keys in yaml.safe_load(CONTRACT).items():
        for key, default in keys.items():
            value = getattr(getattr(Settings(), section), key)
            assert value == default, (section, key)
            assert type(value) is type(default), (section, key)


def test_every_key_is_documented_or_our_own_optional_addition() -> None:
    documented = {(name, key) for name, keys in yaml.safe_load(CONTRACT).items() for key in keys}
    ours = {(name, key) for name, section in SECTIONS.items() for key in section.keys} - documented
    assert ours == OWN_ADDITIONS
    assert all(SECTIONS[name].keys[key].default is None for name, key in ours)


def test_every_default_is_accepted_by_its_own_type() -> None:
    for section in SECTIONS.values():
        for setting in section.keys.values():
            assert setting.value_type.check(setting.default) == setting.default


def test_every_key_has_a_one_line_description_that_ends_as_a_sentence() -> None:
    for section in SECTIONS.values():
        for setting in section.keys.values():
            assert setting.description.endswith(".")
            assert "\n" not in setting.description


def test_the_observers_that_settings_name_are_those_the_project_brings() -> None:
    from clika_core.observers.registry import DEFAULT_OBSERVER, OBSERVERS

    observer = SECTIONS["global_quantization_settings"].keys["observer"]
    choices: Any = observer.value_type
    assert set(choices.inner.choices) == set(OBSERVERS)
    assert f"null: {DEFAULT_OBSERVER}." in observer.description
