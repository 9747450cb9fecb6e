"""What every backend checks of a saved training before it takes anything of it over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

from clika_core.errors import StateError


def saved_weights(
    arrays: Mapping[str, NDArray[Any]],
    prefix: str,
    own: Mapping[str, Sequence[int]],
    is_scale: Callable[[str], bool],
) -> dict[str, NDArray[Any]]:
    """The saved arrays of a model's weights by name, in the order of `own`, which gives their shapes.

    Names in `arrays` begin with `prefix`. Learned scales may be others than those that were saved, as under a plan
    that changed: new ones are not in the result, and keep the value they begin with. Raises StateError for weights
    of another model.
    """
    saved = {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
    strange = sorted(name for name in saved.keys() - own.keys() if not is_scale(name))
    missing = sorted(name for name in own.keys() - saved.keys() if not is_scale(name))
    if strange or missing:
        raise StateError(
            "the saved weights are of another model",
            found=f"not in the model: {strange[:5]}",
            expected=f"also: {missing[:5]}",
        )
    for name in own.keys() & saved.keys():
        if tuple(saved[name].shape) != tuple(own[name]):
            raise StateError(
                f"the saved weight {name!r} has another shape",
                found=str(list(saved[name].shape)),
                expected=str(list(own[name])),
            )
    return {name: saved[name] for name in own if name in saved}


def named_class(module: ModuleType, name: Any, base: type[Any]) -> Any:
    """The class of that name in `module`. Raises StateError for a name of anything but a subclass of `base`."""
    found = getattr(module, name, None) if isinstance(name, str) and name.isidentifier() else None
    if not isinstance(found, type) or not issubclass(found, base):
        raise StateError(
            f"the saved optimizer is of a class that is not in {module.__name__}",
            found=repr(name)[:60],
            fix="give the optimizer to clika_resume",
        )
    return found


def not_to_be_saved(value: Any, key: str) -> StateError:
    """The error of an optimizer that keeps something under `key` that no state holds."""
    return StateError(
        "the optimizer keeps something that cannot be saved",
        found=f"{key!r}: {type(value).__name__}",
        expected="tensors, numbers, strings, lists",
    )
