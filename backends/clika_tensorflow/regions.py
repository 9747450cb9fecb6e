"""Which layer of the user's model ran an operation: while tracing, every call of a Keras layer is a name scope.

The scope `Q7Q` in an operation's name leads back to the seventh call. A layer's path is the attribute that its
caller keeps it in (`stem.conv`, `blocks.0`), else its name, below the path of its caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import tensorflow as tf

from clika_tensorflow.callable_model import keras_module
from clika_tensorflow.whole_layers import is_whole, run_whole

_SCOPE: Final = re.compile(r"(?:^|/)Q(\d+)Q(?=/)")


@dataclass(frozen=True, slots=True)
class Region:
    """One call of a layer: the layer, its path by attributes, and its path by layer names."""

    layer: Any
    path: str
    name_path: str


@dataclass(eq=False)
class Regions:
    """Layer calls in the order in which they began."""

    calls: list[Region] = field(default_factory=list)
    _open: list[Region] = field(default_factory=list)

    def of(self, operation_name: str) -> Region | None:
        """The innermost layer call that an operation belongs to."""
        found = _SCOPE.findall(operation_name)
        return self.calls[int(found[-1])] if found else None

    @contextmanager
    def entered(self, layer: Any) -> Iterator[None]:
        """Inside, what is traced belongs to a call of `layer`."""
        caller = self._open[-1] if self._open else None
        region = Region(layer, *_paths(caller, layer))
        self.calls.append(region)
        self._open.append(region)
        try:
            with tf.name_scope(f"Q{len(self.calls) - 1}Q"):
                yield
        finally:
            self._open.pop()


@contextmanager
def watched(regions: Regions) -> Iterator[None]:
    """While inside, calls of Keras layers are recorded in `regions`."""
    keras = keras_module()
    if keras is None:
        yield
        return
    kind = keras.layers.Layer
    original = kind.__call__

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        with regions.entered(layer):
            if is_whole(layer, args, kwargs):
                return run_whole(layer, args[0])
            return original(layer, *args, **kwargs)

    kind.__call__ = call
    try:
        yield
    finally:
        kind.__call__ = original


def without_scopes(name: str) -> str:
    """TensorFlow's own name of an operation, without the scopes that tracing added."""
    return "/".join(part for part in name.split("/") if not (part.startswith("Q") and part.endswith("Q")))


def _paths(caller: Region | None, layer: Any) -> tuple[str, str]:
    """The path by attributes and that by names; the outermost call has neither."""
    if caller is None:
        return "", ""
    own = attribute_of(caller.layer, layer) or str(layer.name)
    return _below(caller.path, own), _below(caller.name_path, str(layer.name))


def _below(path: str, component: str) -> str:
    return f"{path}.{component}" if path else component


def attribute_of(owner: Any, wanted: Any) -> str | None:
    """The attribute of `owner` that holds `wanted`, be it inside a list or dict: `conv`, `blocks.0`."""
    for name, value in vars(owner).items():
        if not name.startswith("_"):
            found = _inside(value, wanted, name)
            if found is not None:
                return found
    return None


def _inside(value: Any, wanted: Any, path: str) -> str | None:
    if value is wanted:
        return path
    items = (
        value.items()
        if isinstance(value, Mapping)
        else enumerate(value)
        if isinstance(value, list | tuple)
        else ()
    )
    return next((found for key, item in items if (found := _inside(item, wanted, f"{path}.{key}"))), None)
