"""The sections of the settings and every key in them, with type, default and description.

This is the one table: checks, error messages, the JSON Schema and the reference page follow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from clika_core.schemes.integer_format import MAX_BITS, MIN_BITS
from clika_core.settings.name_types import Choice, Names
from clika_core.settings.setting import Section, Setting
from clika_core.settings.value_types import Boolean, BooleanOr, Integer, Nullable, Number

NUM_BITS: Final = Integer(minimum=MIN_BITS, maximum=MAX_BITS)
_COUNT: Final = Integer(minimum=1)
_COUNT_OR_ZERO: Final = Integer(minimum=0)
_POSITIVE: Final = Number(minimum=0, is_exclusive=True)
_HALF_PRECISION: Final = Choice(("float16", "bfloat16"))
OBSERVER_NAMES: Final = ("min_max", "mean_min_max", "percentile", "mse", "entropy")
_OBSERVER: Final = Choice(OBSERVER_NAMES, is_open=True)
_LARGEST_SEED: Final = 2**32 - 1  # what NumPy takes


class DeploymentSettings(Section, title="deployment_settings"):
    """Where the compressed model will run."""

    target_framework = Setting(
        Choice(("ort", "ov", "trt", "tflite", "qnn", "stablehlo"), is_open=True),
        "ort",
        "The runtime that the model is deployed to.",
    )
    weights_utilize_full_int_range = Setting(
        Nullable(Boolean()),
        None,
        "Use all integer codes of the weights; null: true. False for CPUs without VNNI.",
    )
    cpu = Setting(
        Nullable(Choice(("vnni", "avx2", "arm"))),
        None,
        "The CPU that the model is deployed to; null: unknown.",
    )


class DistributedTrainingSettings(Section, title="distributed_training_settings"):
    """How fine-tuning uses several devices."""

    multi_gpu = Setting(Boolean(), False, "Train on several devices: one process each, started together.")
    use_sharding = Setting(
        Boolean(), False, "With multi_gpu: parameters are shared out too (FSDP); false: a copy on each (DDP)."
    )


class GlobalQuantizationSettings(Section, title="global_quantization_settings"):
    """How layers are quantized, unless a rule says otherwise."""

    method = Setting(
        Nullable(Choice(("qat", "ptq"))),
        None,
        "Quantization-aware training or post-training; null: by the command.",
    )
    weights_num_bits = Setting(NUM_BITS, 8, "Bits of quantized weights.")
    activations_num_bits = Setting(NUM_BITS, 8, "Bits of quantized activations.")
    weights_group_size = Setting(
        Nullable(Integer(minimum=32, maximum=256)),
        None,
        "Weights along the input channels that share a scale: 32, 64, 128, 256; null: a whole output channel.",
    )
    observer = Setting(
        Nullable(_OBSERVER), None, "How the range of an activation follows from calibration data; null: mse."
    )
    cross_layer_equalization = Setting(
        Nullable(Boolean()),
        None,
        "After training: scale channels between layers so that those of one value are alike; null: yes.",
    )
    activation_balancing = Setting(
        Nullable(Boolean()),
        None,
        "Make channels of values that linear layers read alike before they are quantized; null: yes.",
    )
    mse_weight_ranges = Setting(
        Nullable(Boolean()),
        None,
        "After training: clip the largest weights where that lowers the squared error; null: no.",
    )
    adaptive_rounding = Setting(
        Nullable(Boolean()),
        None,
        "After training: round weights up or down by the error of the layer's output, not to nearest; null: yes.",
    )
    scale_correction = Setting(
        Nullable(Boolean()),
        None,
        "After training: let weights' scales make up for what quantization takes off a layer's output; null: yes.",
    )
    bias_correction = Setting(
        Nullable(Boolean()),
        None,
        "After training: take off each bias what quantization adds to the layer's output on average; null: yes.",
    )
    skip_tail_quantization = Setting[bool | Sequence[str] | None](
        Nullable(BooleanOr(Names())),
        None,
        "Keep the last weighted layers and what follows float; null: yes. A list: tails of these outputs.",
    )
    automatic_skip_quantization = Setting(
        Boolean(), True, "Keep layers float whose measured sensitivity is above the threshold."
    )
    quantization_sensitivity_threshold = Setting(
        Nullable(Number(minimum=0)), None, "Sensitivity above which a layer stays float; null: no threshold."
    )
    quantization_sensitivity_measure = Setting(
        Choice(("relative", "absolute")),
        "relative",
        "What the threshold is compared with: relative QS, or abs_l2.",
    )


class TrainingSettings(Section, title="training_settings"):
    """Calibration and fine-tuning."""

    num_epochs = Setting(_COUNT_OR_ZERO, 10, "Epochs of fine-tuning.")
    learning_rate = Setting(Nullable(_POSITIVE), None, "Learning rate of the built-in optimizer.")
    learning_rate_schedule = Setting(
        Nullable(Choice(("constant", "cosine"))),
        None,
        "After the warm-up: the learning rate as it is, or falling to zero over all epochs; null: constant.",
    )
    original_last_learning_rate = Setting(
        Nullable(_POSITIVE),
        None,
        "The last learning rate of the original training; the linter compares with it.",
    )
    learn_scales = Setting(
        Nullable(Boolean()), None, "Train the scales too (LSQ); null: no, they stay as they were calibrated."
    )
    freeze_scales_after_epochs = Setting(
        Nullable(_COUNT), None, "Epochs after which learned scales stay as they are; null: never."
    )
    freeze_observers_after_epochs = Setting(
        Nullable(_COUNT_OR_ZERO),
        None,
        "Epochs in which ranges follow the training, observed anew again and again, before they stay; "
        "null: 0, from scratch all but the last.",
    )
    distillation = Setting(
        Nullable(Choice(("outputs", "layers"))),
        None,
        "Also lower the distance to the float model: of outputs, or of layers too; null: where there is no loss.",
    )
    distillation_weight = Setting(
        Nullable(_POSITIVE), None, "What the distance to the float model is multiplied by; null: 1."
    )
    distillation_temperature = Setting(
        Nullable(_POSITIVE), None, "The temperature at which class scores are compared; null: 1."
    )
    early_stop_epochs = Setting(
        Nullable(_COUNT), None, "End after so many epochs without a lower total loss; null: never."
    )
    grads_acc_steps = Setting(_COUNT, 1, "Batches whose gradients are accumulated per optimizer step.")
    steps_per_epoch = Setting(Nullable(_COUNT), None, "Training batches per epoch; null: all.")
    evaluation_steps = Setting(Nullable(_COUNT), None, "Evaluation batches; null: all.")
    lr_warmup_epochs = Setting(_COUNT_OR_ZERO, 1, "Epochs in which the learning rate warms up.")
    lr_warmup_steps_per_epoch = Setting(_COUNT_OR_ZERO, 500, "Warm-up steps in each of these epochs.")
    amp_dtype = Setting(Nullable(_HALF_PRECISION), None, "Dtype of automatic mixed precision; null: none.")
    weights_dtype = Setting(
        Nullable(_HALF_PRECISION), None, "Dtype of the weights in training; null: unchanged."
    )
    stats_steps = Setting(_COUNT_OR_ZERO, 20, "Calibration batches.")
    activations_offloading = Setting(
        Boolean(), False, "Keep activations in host memory until the backward pass."
    )
    gradient_checkpointing = Setting(
        Nullable(Boolean()),
        None,
        "Keep only what goes into layers, and compute inside them again in the backward pass; null: no.",
    )
    params_offloading = Setting(
        Boolean(), False, "Keep parameters in host memory until they are used; with use_sharding."
    )
    clip_grad_norm_val = Setting(
        Nullable(_POSITIVE), None, "Gradient norm above which it is clipped; null: never."
    )
    clip_grad_norm_type = Setting(_POSITIVE, 2.0, "The p of that norm.")
    save_interval = Setting(Nullable(_COUNT), None, "Epochs between saved states; null: every epoch.")
    print_interval = Setting(_COUNT, 100, "Steps between progress lines.")
    print_ma_window_size = Setting(_COUNT, 50, "Steps in the moving average of the loss.")
    reset_train_data = Setting(Boolean(), False, "Make the training data anew before every epoch.")
    reset_eval_data = Setting(Boolean(), True, "Make the evaluation data anew before every evaluation.")
    skip_initial_eval = Setting(Boolean(), False, "Do not evaluate the original model first.")
    random_seed = Setting(
        Nullable(Integer(minimum=0, maximum=_LARGEST_SEED)),
        None,
        "Seed of all random numbers; null: that of the command.",
    )
    is_training_from_scratch = Setting(
        Boolean(),
        False,
        "The model starts untrained: batch norm trains, and what it folds into is quantized (Jacob et al. 2018).",
    )


SECTIONS: Final = MappingProxyType(
    {
        section.title: section
        for section in (
            DeploymentSettings,
            DistributedTrainingSettings,
            GlobalQuantizationSettings,
            TrainingSettings,
        )
    }
)
