"""How much processor time a test may take: bounds for what grows faster than its input, generous to slow machines."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """The block takes less than this of its own thread. What other tests left in memory is not searched meanwhile."""
    gc.disable()
    start = time.thread_time()
    try:
        yield
        spent = time.thread_time() - start
    finally:
        gc.enable()
    assert spent < seconds
