"""Keys of older releases and what they are called now.

A file that uses one is read as if it said the new name, and told so. The table holds the names that the product's
public examples of 2023 give to attributes of the settings, each with the name that its settings files have had
since 2024. What else may have been renamed is not known here: such a key is an unknown setting like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from clika_core.frozen import field, frozen, replace
from clika_core.settings.document import Entry, MappingNode
from clika_core.settings.node_values import plain_value
from clika_core.settings.problems import ProblemCollector
from clika_core.settings.setting import Section
from clika_core.settings.source import Source
from clika_core.settings.value_type import InvalidValueError, ValueType
from clika_core.settings.value_types import Boolean


@frozen
class Successor:
    """The key that says now what an older one said.

    `values` translates the older key's values; empty where both keys take the same.
    """

    key: str
    values: Mapping[bool, str | None] = field(default_factory=dict)

    def value_type(self, section: type[Section]) -> ValueType[Any]:
        """What the older key takes."""
        return Boolean() if self.values else section.keys[self.key].value_type

    def value_of(self, value: Any) -> Any:
        """What the new key is set to where the older one was set to `value`."""
        return self.values[value] if self.values else value


_HALF: Final = {True: "float16", False: None}

RENAMED: Final[Mapping[str, Mapping[str, Successor]]] = MappingProxyType(
    {
        "training_settings": {
            "clip_grad_norm": Successor("clip_grad_norm_val"),
            "grads_accumulation_steps": Successor("grads_acc_steps"),
            "mixed_precision": Successor("amp_dtype", _HALF),
            "print_num_steps_averaging": Successor("print_ma_window_size"),
            "reset_evaluation_dataset_between_epochs": Successor("reset_eval_data"),
            "reset_training_dataset_between_epochs": Successor("reset_train_data"),
            "skip_initial_evaluation": Successor("skip_initial_eval"),
            "use_fp16_weights": Successor("weights_dtype", _HALF),
            "use_gradients_checkpoint": Successor("activations_offloading"),
        }
    }
)


def read_renamed(entry: Entry, section: Section, problems: ProblemCollector, source: Source) -> Entry:
    """Set what the older keys of a section say and report each; returns the section's entry without them."""
    known = RENAMED.get(section.title, {})
    node = entry.value
    if not isinstance(node, MappingNode) or not any(key.key in known for key in node.entries):
        return entry
    keys = {key.key for key in node.entries}
    for older in node.entries:
        if older.key in known:
            _read(older, known[older.key], keys, section, problems, source)
    return replace(entry, value=replace(node, entries=tuple(e for e in node.entries if e.key not in known)))


def _read(
    entry: Entry,
    successor: Successor,
    keys: set[str],
    section: Section,
    problems: ProblemCollector,
    source: Source,
) -> None:
    owner = f"{section.title}.{entry.key}"
    if successor.key in keys:
        found = f"{successor.key}, its new name, is set too"
        problems.add_value(owner, entry.key_span, found, "one of them", f"remove {entry.key}")
        return
    value_type = successor.value_type(type(section))
    try:
        value = successor.value_of(value_type.check(plain_value(entry.value, value_type)))
    except InvalidValueError as error:
        problems.add_value(owner, entry.value.span, error.found, error.expected, error.fix)
        return
    section.assign(successor.key, value, source.location(entry.value.span))
    fix = f"write {successor.key}" + (f": {value or 'null'}" if successor.values else "")
    problems.add_renamed(section.title, entry.key, entry.key_span, successor.key, fix)
