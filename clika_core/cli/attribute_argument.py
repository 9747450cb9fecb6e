"""`package.module:attr` or `file.py:attr`: models, data, metrics. Nothing else runs the user's code."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from clika_core.errors import ClikaError, MissingDependencyError, nearest

THEIR_CODE = "mend the code"


def load_attribute(argument: str, what: str, example: str, kind: type[ClikaError]) -> Any:
    """What `argument` names; the current folder is on the path. `what` and `example` are for messages.

    Raises `kind` naming what is missing, MissingDependencyError for a module that the user's file needs.
    """
    place, colon, attribute = argument.rpartition(":")
    if not colon or not place or not attribute:
        raise kind(
            f"{argument!r} names no {what}",
            expected="package.module:attribute or file.py:attribute",
            fix=f"for example: {example}",
        )
    found: Any = _import(place, kind)
    for name in attribute.split("."):
        found = _attribute(found, name, place, what, kind)
    return found


def required_arguments(function: Any) -> list[str]:
    """The arguments that a call of `function` has to give; none where that cannot be told."""
    from inspect import Parameter, signature

    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [
        parameter.name
        for parameter in parameters
        if parameter.default is Parameter.empty
        and parameter.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    ]


def _import(place: str, kind: type[ClikaError]) -> ModuleType:
    from clika_core.pipeline.user_code import raised_by

    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return _import_file(place, kind) if place.endswith(".py") else importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name and (place == error.name or place.startswith(error.name + ".")):
            raise kind(f"there is no module {place!r}", fix=_module_fix(place)) from None
        raise _not_installed(place, error.name) from None
    except SyntaxError as error:
        raise kind(f"{place} is no Python file", found=f"line {error.lineno}: {error.msg}") from None
    except ClikaError:
        raise
    except Exception as error:
        raise raised_by(place, error, kind, THEIR_CODE) from error


def _module_fix(place: str) -> str:
    path = Path(*place.split("."))
    if path.with_suffix(".py").is_file():
        return f"write {path.with_suffix('.py')}:<attribute>"
    return "check the name and the current folder"


def _import_file(place: str, kind: type[ClikaError]) -> ModuleType:
    path = Path(place)
    if not path.is_file():
        beside = [found.name for found in path.parent.glob("*.py")] if path.parent.is_dir() else []
        close = nearest(path.name, beside)
        raise kind(
            f"there is no file {place!r}",
            fix=f"did you mean {str(path.with_name(close[0]))!r}?" if close else "check the path",
        )
    loaded = sys.modules.get(path.stem)
    if loaded is not None and getattr(loaded, "__file__", None) == str(path.resolve()):
        return loaded
    spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        raise
    return module


def _attribute(owner: Any, name: str, place: str, what: str, kind: type[ClikaError]) -> Any:
    if hasattr(owner, name):
        return getattr(owner, name)
    present = [candidate for candidate in getattr(owner, "__dict__", {}) if not candidate.startswith("_")]
    close = nearest(name, present)
    raise kind(
        f"{place} has no attribute {name!r}",
        found=", ".join(present[:8]) or "nothing",
        fix=f"did you mean {' or '.join(map(repr, close))}?"
        if close
        else f"name a {what}, or a function that makes one",
    )


def _not_installed(place: str, module: str | None) -> MissingDependencyError:
    """What to say where the user's file imports something that is missing; a framework has an install line."""
    from clika_core.plugins.registry import backends

    backend = backends().get(module or "")
    return MissingDependencyError(
        f"{place} needs the module {module!r}",
        found="not installed",
        fix=f'pip install "{backend.distribution}"' if backend else f"install what provides {module!r}",
    )
