"""What is wrong with rules, in the user's words."""

from __future__ import annotations

from collections.abc import Sequence

from clika_core.errors import Location, SettingsError
from clika_core.planning.selectors import SelectorIndex
from clika_core.settings.model import LayerRule


def unknown(rule: LayerRule, selector: str, index: SelectorIndex) -> SettingsError:
    """A selector, or an `until` entry, that matches no layer."""
    close = index.suggestions(selector)
    in_rule = "" if selector == rule.selector else f" (skip_quantization_until of rule {rule.selector!r})"
    return SettingsError(
        f"no layer matches {selector!r}{in_rule}",
        expected="a layer's name, alias or path, a glob, or op:<type>",
        fix=f"did you mean {' or '.join(map(repr, close))}?" if close else "see the names with `clika plan`",
        location=_place(rule, selector),
    )


def unreachable(rule: LayerRule, entry: str, is_upstream: bool) -> SettingsError:
    """An `until` entry that no selected layer reaches."""
    if is_upstream:
        found, fix = (
            f"{entry!r} lies upstream of {rule.selector!r}",
            f"swap them: rule {entry!r} until [{rule.selector!r}]",
        )
    else:
        found, fix = f"{entry!r} lies on another branch", "name a layer that depends on the selected one"
    return SettingsError(
        f"rule {rule.selector!r} cannot reach {entry!r}",
        found=found,
        expected="a target downstream of the selected layers",
        fix=fix,
        location=_place(rule, entry),
    )


def conflict(field: str, first: LayerRule, second: LayerRule, layer: str) -> SettingsError:
    """Two equally specific rules that want different values on one layer."""
    values = [getattr(rule.settings, field) for rule in (first, second)]
    places = [f" ({rule.location})" if rule.location else "" for rule in (first, second)]
    return SettingsError(
        f"rules {first.selector!r}{places[0]} and {second.selector!r}{places[1]} contradict each other on {layer!r}",
        found=f"{field}: {values[0]} and {values[1]}, equally specific",
        expected="one value, or one rule more specific than the other",
        fix=f"name the layer itself: 'name:{layer}'",
        location=second.location,
    )


def raise_all(problems: Sequence[SettingsError]) -> None:
    """Raise what was collected: the problem itself if it is one, else one error that lists them all."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        listed = "\n".join(str(problem) for problem in problems)
        raise SettingsError(f"{len(problems)} rules cannot be used\n{listed}")


def _place(rule: LayerRule, selector: str) -> Location | None:
    """Where the selector or the `until` entry stands."""
    until = rule.settings.skip_quantization_until or ()
    if selector != rule.selector and selector in until:
        key = f"skip_quantization_until[{list(until).index(selector)}]"
        return (
            rule.field_locations.get(key)
            or rule.field_locations.get("skip_quantization_until")
            or rule.location
        )
    return rule.location
