"""The argument MODEL: a model, or a factory that returns a model or `(model, example_inputs)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clika_core.cli.attribute_argument import THEIR_CODE, load_attribute, required_arguments
from clika_core.errors import ModelError


def load_model(argument: str, before_call: Callable[[], None] = lambda: None) -> tuple[Any, Any]:
    """The model that `argument` names, and the example inputs its factory gives, or None.

    The attribute is a factory without arguments that returns a model or `(model, example_inputs)`, or a model.
    `before_call` runs when the user's module is imported, before its factory. Raises ModelError naming what is
    missing.
    """
    from clika_core.plugins.registry import backends

    for backend in backends().values():
        backend.before_user_code()
    found = load_attribute(argument, "model", "clika trace my_model.py:make_model", ModelError)
    before_call()
    return _call(found, argument) if _is_factory(found) else (found, None)


def _is_factory(found: Any) -> bool:
    """A function or a class makes a model; anything else is one."""
    from inspect import isclass, isfunction, ismethod

    return isfunction(found) or isclass(found) or ismethod(found)


def _call(factory: Any, argument: str) -> tuple[Any, Any]:
    from clika_core.pipeline.user_code import told_as_theirs

    required = required_arguments(factory)
    if required:
        raise ModelError(
            f"{argument} cannot be called without arguments",
            found=f"it requires {', '.join(required)}",
            expected="a factory that takes no argument and returns a model or (model, example_inputs)",
            fix="write a small function that makes the model",
        )
    with told_as_theirs(argument, ModelError, THEIR_CODE):
        result = factory()
    if result is None:
        raise ModelError(f"{argument} returns nothing", expected="a model or (model, example_inputs)")
    return result if isinstance(result, tuple) and len(result) == 2 else (result, None)
