"""The state of torch's global random numbers, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from clika_core.errors import StateError
from clika_torch.arrays import to_numpy


def random_state() -> dict[str, NDArray[Any]]:
    """The CPU's generator, and those of the GPUs where one is in use."""
    found = {"cpu": to_numpy(torch.get_rng_state())}
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        states = torch.cuda.get_rng_state_all()
        found.update((f"cuda:{index}", to_numpy(state)) for index, state in enumerate(states))
    return found


def set_random_state(state: Mapping[str, NDArray[Any]]) -> None:
    """Take over a state; that of a GPU which is not here is left out."""
    try:
        for device, array in state.items():
            saved = torch.from_numpy(np.array(array, np.uint8))
            if device == "cpu":
                torch.set_rng_state(saved)
            elif int(device.removeprefix("cuda:")) < torch.cuda.device_count():
                torch.cuda.set_rng_state(saved, device)
    except (RuntimeError, ValueError) as error:
        raise StateError("torch's random numbers cannot be restored", found=str(error)) from error
