"""Module paths in a trace: while a model runs, every call of one of its modules opens a scope named after its path.

Linen opens such scopes itself; NNX opens none, and Equinox names the class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

import jax


@contextmanager
def scopes(modules: Mapping[str, Any]) -> Iterator[None]:
    """Patch the classes of `modules`, by path, for as long as the context lasts."""
    paths = {id(module): path for path, module in modules.items() if path}
    originals: dict[type[Any], Callable[..., Any] | None] = {}
    for kind in {type(module) for module in modules.values()}:
        called = getattr(kind, "__call__", None)  # noqa: B004 - the method itself is wanted
        if called is not None and kind.__module__ != "builtins":
            originals[kind] = vars(kind).get("__call__")
            kind.__call__ = _scoped(called, paths)
    try:
        yield
    finally:
        for kind, original in originals.items():
            if original is None:
                del kind.__call__
            else:
                kind.__call__ = original


def _scoped(called: Callable[..., Any], paths: Mapping[int, str]) -> Callable[..., Any]:
    @wraps(called)
    def call(module: Any, *args: Any, **kwargs: Any) -> Any:
        path = paths.get(id(module))
        if path is None:
            return called(module, *args, **kwargs)
        with jax.named_scope(marked(path)):
            return called(module, *args, **kwargs)

    return call


def marked(path: str) -> str:
    """A path as the name of a scope, told from other scopes by its first character."""
    return "@" + path.replace(".", "|")


def unmarked(parts: list[str]) -> str | None:
    """The innermost path among the names of scopes, with the numbers of iterations inside it; None without one."""
    places = [position for position, part in enumerate(parts) if part.startswith("@")]
    if not places:
        return None
    last = places[-1]
    return ".".join([parts[last][1:].replace("|", "."), *filter(str.isdigit, parts[last + 1 :])])
