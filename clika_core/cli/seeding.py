"""Seeds every source of random numbers that the user's code may draw from."""

from __future__ import annotations

import random


def seed_everything(seed: int) -> None:
    """Python's, NumPy's, and those of the frameworks that are loaded."""
    import numpy as np

    from clika_core.plugins.registry import backends

    random.seed(seed)
    np.random.seed(seed)
    for backend in backends().values():
        backend.set_seed(seed)
