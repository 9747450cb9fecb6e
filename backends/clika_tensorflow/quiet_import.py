"""Importing TensorFlow without its start-up messages: they say nothing about the user's model."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

NAME = "tensorflow"
LEVEL = "TF_CPP_MIN_LOG_LEVEL"


def import_tensorflow() -> ModuleType:
    """The module `tensorflow`. What it writes to the console while it starts is shown only where it fails."""
    if NAME in sys.modules:
        return sys.modules[NAME]
    _set_defaults()
    with held_back():
        module = importlib.import_module(NAME)
        importlib.import_module("keras")
        _start(module)
        return module


def when_imported() -> None:
    """From now on the first import of TensorFlow is as quiet as `import_tensorflow`, whoever imports it."""
    if NAME not in sys.modules and not any(isinstance(finder, _Quietly) for finder in sys.meta_path):
        _set_defaults()
        sys.meta_path.insert(0, _Quietly())


def _set_defaults() -> None:
    os.environ.setdefault(LEVEL, "2")  # 2: errors only
    os.environ.setdefault("KERAS_BACKEND", NAME)


def _start(tensorflow: ModuleType) -> None:
    tensorflow.constant(0)  # starts the runtime, which has messages of its own


class _Quietly(MetaPathFinder):
    """Finds TensorFlow once, where it would be found anyway, and lets it load with its messages held back."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != NAME:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _QuietLoader(spec.loader)
        return spec


class _QuietLoader(Loader):
    """Does what `own` does, and gives the module back to it."""

    def __init__(self, own: Loader) -> None:
        self._own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__loader__ = module.__spec__.loader = self._own
        with held_back():
            self._own.exec_module(module)
            _start(module)


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
