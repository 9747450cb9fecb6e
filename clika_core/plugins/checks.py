"""What a hook may return: a list of whole objects. Half of one is refused here, not met later by a user."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

Check = Callable[[Any], "str | None"]


def items_of(returned: Any) -> list[Any]:
    """The items that a hook returned. Raises TypeError for anything but a list, tuple or other iterable of them."""
    if returned is None or isinstance(returned, str | bytes | Mapping) or not isinstance(returned, Iterable):
        raise TypeError(f"it returns {_kind(returned)}; expected a list")
    return list(returned)


def problem_of(hook: str, item: Any) -> str | None:
    """What is wrong with an item, as the end of a sentence that begins with the plugin; None where it is whole."""
    check = _CHECKS.get(hook)
    return check(item) if check else None


def name_of(hook: str, item: Any) -> str:
    """The name under which a checked item is found."""
    return str(item[0] if hook == "clika_register_observers" else item.name)


def _target(item: Any) -> str | None:
    from clika_core.schemes import QuantScheme
    from clika_core.targets.target import Kernel, Target

    if not isinstance(item, Target):
        return f"registers {_kind(item)} as a target; expected a Target"
    if not _is_name(item.name):
        return f"registers a target without a name: {item.name!r}"
    kernels: Any = item.kernels
    if not isinstance(kernels, Mapping) or not all(isinstance(k, Kernel) for k in kernels.values()):
        return f"registers the target {item.name!r}, whose kernels are no mapping of types to Kernel objects"
    wrong = [
        field for field in ("weights", "activations") if not isinstance(getattr(item, field), QuantScheme)
    ]
    return f"registers the target {item.name!r}, whose {wrong[0]} are no QuantScheme" if wrong else None


def _backend(item: Any) -> str | None:
    from clika_core.backend.interface import Backend

    if not isinstance(item, Backend):
        return f"registers {_kind(item)} as a backend; expected a Backend"
    name = getattr(item, "name", None)
    return None if _is_name(name) else f"registers the backend {_kind(item)} without a name"


def _observer(item: Any) -> str | None:
    if not (isinstance(item, tuple | list) and len(item) == 2 and _is_name(item[0]) and callable(item[1])):
        return f"registers {_kind(item)} as an observer; expected a pair of a name and a factory"
    return None


def _command(item: Any) -> str | None:
    from clika_core.plugins.command_entry import CommandEntry

    if not isinstance(item, CommandEntry):
        import click  # here: the commands that need to start quickly are entries

        if not isinstance(item, click.Command):
            return f"registers {_kind(item)} as a command; expected a click.Command or a CommandEntry"
    return None if _is_name(item.name) else "registers a command without a name"


_CHECKS: Final[Mapping[str, Check]] = {
    "clika_register_targets": _target,
    "clika_register_backends": _backend,
    "clika_register_observers": _observer,
    "clika_register_commands": _command,
}


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and bool(value.strip())


def _kind(value: object) -> str:
    """`a str`, `nothing`: what a thing is, without asking it."""
    return "nothing" if value is None else f"a {type(value).__name__}"
