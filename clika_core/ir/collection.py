"""Building many small values at once, without the cycle collector scanning them again and again.

Measured on a snapshot of 100,000 nodes: 9.9 seconds to read with the collector running, 3.6 without; on a plan of as
many, one second without, and 0.1 more where all that it made is scanned at its end.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collection() -> Iterator[None]:
    """No cycle collection inside; for code that makes values without cycles. Leaves a paused one paused.

    What was made counts as old at once: the next collection of young objects would scan all of it, and free nothing.
    """
    was_running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_running:
            if not gc.get_freeze_count():  # what somebody else has frozen stays so
                gc.freeze()
                gc.unfreeze()
            gc.enable()
