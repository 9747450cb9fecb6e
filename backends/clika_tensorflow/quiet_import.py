"""Importing TensorFlow without its start-up messages: they say nothing about the user's model."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

LEVEL = "TF_CPP_MIN_LOG_LEVEL"


def import_tensorflow() -> ModuleType:
    """The module `tensorflow`. What it writes to the console while it starts is shown only where it fails."""
    if "tensorflow" in sys.modules:
        return sys.modules["tensorflow"]
    os.environ.setdefault(LEVEL, "2")  # 2: errors only
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with held_back():
        module = importlib.import_module("tensorflow")
        importlib.import_module("keras")
        module.constant(0)  # starts the runtime, which has messages of its own
        return module


@contextmanager
def held_back() -> Iterator[None]:
    """The process's error stream goes to a file; it is replayed where an exception leaves the block.

    The messages come from C++, which knows nothing of `sys.stderr`.
    """
    sys.stderr.flush()
    try:
        own = os.dup(2)
    except OSError:  # there is no error stream to keep quiet
        yield
        return
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(own, kept.read())
            raise
        finally:
            os.dup2(own, 2)
            os.close(own)
