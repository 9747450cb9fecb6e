"""Weights that are kept in half precision, and losses scaled for float16."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from clika_core.errors import SettingsError
from clika_torch.dtypes import torch_dtype
from clika_torch.interpreter import Held
from clika_torch.native_model import LEARNED


def store_weights(native: nn.Module, dtype: str | None) -> None:
    """Keep the floating parameters in `dtype`, learned scales apart; None leaves them as they are.

    A quantized layer takes codes of what they hold; a float one computes in float32 on it. Raises SettingsError for
    float16, in which squares of gradients, and the optimizer's `eps` beside them, are 0.
    """
    if dtype == "float16":
        raise SettingsError(
            "weights in float16 cannot be trained: the optimizer's moments do not fit beside them",
            found="training_settings.weights_dtype: float16",
            fix="use bfloat16, or amp_dtype: float16, which keeps the weights in float32",
        )
    if dtype is not None:
        for name, parameter in native.named_parameters():
            if parameter.is_floating_point() and not name.startswith(f"{LEARNED}."):
                parameter.data = parameter.data.to(torch_dtype(dtype))


def in_float32(held: Held) -> Held:
    """The tensors, those in half precision as float32, which holds their values."""
    state = {name: _widened(tensor) for name, tensor in held.state.items()}
    overrides = {key: None if own is None else _widened(own) for key, own in held.overrides.items()}
    return Held(state, overrides, held.device)


def loss_scaler(native: nn.Module, dtype: str | None, *, is_sharded: bool) -> torch.amp.GradScaler:
    """Scales losses so that gradients in float16 do not vanish (Micikevicius et al. 2018); no effect otherwise.

    A step whose gradients overflow is left out, and the scale halved.
    """
    is_needed = dtype == "float16"
    if is_needed and is_sharded:
        raise SettingsError(
            "float16 does not go with use_sharding: workers would disagree on which steps overflow",
            found="training_settings.amp_dtype: float16",
            fix="use bfloat16",
        )
    device = next((p.device.type for p in native.parameters()), "cpu")
    return torch.amp.GradScaler(device, enabled=is_needed)


def _widened(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
