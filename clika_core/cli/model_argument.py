"""The argument MODEL: `package.module:attr` or `file.py:attr`. This is the only thing that runs the user's code."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from clika_core.errors import MissingDependencyError, ModelError, nearest


def load_model(argument: str) -> tuple[Any, Any]:
    """The model that `argument` names, and the example inputs its factory gives, or None.

    The attribute is a factory without arguments that returns a model or `(model, example_inputs)`, or a model.
    The current folder is on the path. Raises ModelError naming what is missing.
    """
    place, colon, attribute = argument.rpartition(":")
    if not colon or not place or not attribute:
        raise ModelError(
            f"{argument!r} names no model",
            expected="package.module:attribute or file.py:attribute",
            fix="for example: clika trace my_model.py:make_model",
        )
    found: Any = _import(place)
    for name in attribute.split("."):
        found = _attribute(found, name, place)
    return _call(found, argument) if _is_factory(found) else (found, None)


def _import(place: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    if not place.endswith(".py"):
        try:
            return importlib.import_module(place)
        except ModuleNotFoundError as error:
            if error.name and (place == error.name or place.startswith(error.name + ".")):
                raise ModelError(
                    f"there is no module {place!r}", fix="check the name and the current folder"
                ) from None
            raise _not_installed(place, error.name) from None
    path = Path(place)
    if not path.is_file():
        raise ModelError(f"there is no file {place!r}", fix="check the path")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise ModelError(f"{place} is no Python file", found=f"line {error.lineno}: {error.msg}") from None
    except ModuleNotFoundError as error:
        raise _not_installed(place, error.name) from None
    return module


def _attribute(owner: Any, name: str, place: str) -> Any:
    if hasattr(owner, name):
        return getattr(owner, name)
    present = [candidate for candidate in vars(owner) if not candidate.startswith("_")]
    close = nearest(name, present)
    raise ModelError(
        f"{place} has no attribute {name!r}",
        found=", ".join(present[:8]) or "nothing",
        fix=f"did you mean {' or '.join(map(repr, close))}?"
        if close
        else "name a model or a function that makes one",
    )


def _is_factory(found: Any) -> bool:
    """A function or a class makes a model; anything else is one."""
    from inspect import isclass, isfunction, ismethod

    return isfunction(found) or isclass(found) or ismethod(found)


def _call(factory: Any, argument: str) -> tuple[Any, Any]:
    from inspect import Parameter, signature

    required = [
        parameter.name
        for parameter in signature(factory).parameters.values()
        if parameter.default is Parameter.empty
        and parameter.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    ]
    if required:
        raise ModelError(
            f"{argument} cannot be called without arguments",
            found=f"it requires {', '.join(required)}",
            expected="a factory that takes no argument and returns a model or (model, example_inputs)",
            fix="write a small function that makes the model",
        )
    result = factory()
    return result if isinstance(result, tuple) and len(result) == 2 else (result, None)


def _not_installed(place: str, module: str | None) -> MissingDependencyError:
    """What to say where the user's file imports something that is missing; a framework has an install line."""
    from clika_core.plugins.registry import backends

    backend = backends().get(module or "")
    return MissingDependencyError(
        f"{place} needs the module {module!r}",
        found="not installed",
        fix=f'pip install "{backend.distribution}"' if backend else f"install what provides {module!r}",
    )
