"""Hypothesis strategies for settings, and texts of valid settings files to start mutations from."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from clika_core.settings import LayerQuantizationSettings, Settings
from clika_core.settings.name_types import Choice, Names
from clika_core.settings.sections import SECTIONS
from clika_core.settings.value_type import ValueType
from clika_core.settings.value_types import Boolean, BooleanOr, Integer, Nullable, Number

EXAMPLE_YAML = """\
# everything that a settings file may hold
deployment_settings:
  target_framework: ort
global_quantization_settings:
  skip_tail_quantization: [output_1, 'output_*']
  quantization_sensitivity_threshold: 1e-4
training_settings: {stats_steps: 20, learning_rate: 0.001, random_seed: null}
layer_settings:
  adaptive_avg_pool_1:
    quantization_settings: &skip
      skip_quantization: true
      skip_quantization_until: [linear_5]
  "op:softmax":
    quantization_settings: {skip_quantization: true}
  conv_2: {quantization_settings: {<<: *skip, skip_quantization_until: linear_6, on_unmatched: warn}}
  1.10:
    quantization_settings: {weights_num_bits: 4, activations_num_bits: 16}
"""

EXAMPLE_JSON = """\
{
  "training_settings": {"stats_steps": 20, "learning_rate": 1e-3, "random_seed": null},
  "layer_settings": {
    "adaptive_avg_pool_1": {"quantization_settings": {
      "skip_quantization": true, "skip_quantization_until": ["linear_5", "caf\\u00e9"]}},
    "1.10": {"quantization_settings": {"weights_num_bits": 4}}
  }
}
"""

EXAMPLE_TOML = """\
[training_settings]
stats_steps = 20
learning_rate = 1e-3

[layer_settings.adaptive_avg_pool_1.quantization_settings]
skip_quantization = true
skip_quantization_until = ["linear_5"]

[layer_settings]
"1.10".quantization_settings.weights_num_bits = 4
conv_2 = { quantization_settings = { skip_quantization = false } }
"""

EXAMPLES = {"yaml": EXAMPLE_YAML, "json": EXAMPLE_JSON, "toml": EXAMPLE_TOML}

_NAMES_THAT_YAML_READS_AS_OTHER_THINGS = [
    "1.10", "0", "no", "Yes", "null", "~", "true", "1e3", ".inf", "<<", "- a", "a: b", "#x", "*a", "&a", "!t",
    "?", "0x1F", "1_000", "12:30:45", "2024-01-01", "'", '"', "\\", "[a", "{a", "a,b", "%d", "@x", "`", " a ",
    "---", "...", "a\u2028b", "\ufeff", "a\xa0", "a\u2029b", "😀", "\ufffe",
]  # fmt: skip


def names() -> st.SearchStrategy[str]:
    """Names of layers: any text without control characters that is not blank."""
    anything = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)
    return st.one_of(
        st.from_regex(r"[a-z_]{1,8}_[1-9]", fullmatch=True),
        st.sampled_from(_NAMES_THAT_YAML_READS_AS_OTHER_THINGS),
        anything.filter(lambda text: bool(text.strip())),
    )


def accepted_values(value_type: ValueType[Any]) -> st.SearchStrategy[Any]:
    """Values that a setting of this type takes."""
    match value_type:
        case Boolean():
            return st.booleans()
        case Integer(minimum, maximum):
            return st.integers(minimum, 10**6 if maximum is None else maximum)
        case Number(minimum, is_exclusive):
            return st.floats(minimum, exclude_min=is_exclusive, allow_infinity=False, allow_nan=False)
        case Choice(choices, is_open):
            return st.sampled_from([*choices, "my_plugin"] if is_open else choices)
        case Names():
            return st.lists(names(), min_size=1, max_size=3)
        case Nullable(inner):
            return st.none() | accepted_values(inner)
        case BooleanOr(other):
            return st.booleans() | accepted_values(other)
    raise NotImplementedError(value_type)


@st.composite
def layer_settings(draw: st.DrawFn) -> LayerQuantizationSettings:
    """Settings of one rule, without contradictions."""
    reach = draw(st.sampled_from(["none", "until", "downstream"]))
    until = draw(st.one_of(names(), st.lists(names(), min_size=1, max_size=3))) if reach == "until" else None
    bits = st.none() | st.integers(2, 16)
    return LayerQuantizationSettings(
        skip_quantization=draw(st.none() | st.booleans()) if reach == "none" else True,
        skip_quantization_until=until,
        skip_quantization_downstream=True if reach == "downstream" else draw(st.sampled_from([None, False])),
        weights_num_bits=draw(bits),
        activations_num_bits=draw(bits),
        on_unmatched=draw(st.sampled_from(["error", "warn", "ignore"])),
    )


@st.composite
def all_settings(draw: st.DrawFn) -> Settings:
    """Settings with some keys changed and some rules."""
    settings = Settings()
    keys = [(name, key) for name, section in SECTIONS.items() for key in section.keys]
    for name, key in draw(st.lists(st.sampled_from(keys), unique=True, max_size=6)):
        setattr(settings.section(name), key, draw(accepted_values(SECTIONS[name].keys[key].value_type)))
    for name in draw(st.lists(names(), unique=True, max_size=5)):
        settings.set_quantization_settings_for_layer(name, draw(layer_settings()))
    return settings
