"""Losses and metrics as users give them: callables by name, whose results may be tensors, lists or dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from clika_core.errors import DataError

Loss: TypeAlias = Callable[[Any, Any], Any]
"""(outputs, targets) -> a scalar, a list of scalars, or a dict of scalars."""

TOTAL = "total"


def checked_losses(losses: Any, what: str) -> dict[str, Loss]:
    """The losses by name; none for None. Raises DataError for anything but a dict of callables."""
    if losses is None:
        return {}
    if not isinstance(losses, Mapping) or not all(isinstance(name, str) for name in losses):
        raise DataError(
            f"{what} are a dict by name",
            found=type(losses).__name__,
            fix=f'{what}={{"loss": the_function}}',
        )
    for name, loss in losses.items():
        if not callable(loss):
            raise DataError(
                f"{what}[{name!r}] cannot be called",
                found=type(loss).__name__,
                expected="a function of (outputs, targets)",
            )
    return dict(losses)


def named_losses(losses: Mapping[str, Loss], outputs: Any, targets: Any) -> dict[str, Any]:
    """Every loss's scalars by name: a list's as `<loss>_<index>`, a dict's as `<loss>_<key>`."""
    found: dict[str, Any] = {}
    for name, loss in losses.items():
        found.update(flattened(name, loss(outputs, targets)))
    return found


def flattened(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The scalars in a result, by `<name>`, `<name>_<index>` or `<name>_<key>`, nested as deep as it is."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from flattened(f"{name}_{key}", item)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from flattened(f"{name}_{index}", item)
    else:
        yield name, value


def as_number(name: str, value: Any) -> float:
    """A native scalar as a number. Raises DataError for anything else."""
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"{name!r} gave no scalar", found=f"{type(value).__name__}: {error}", expected="one number"
        ) from error
