"""Schemes in files: read back what was written, refuse everything else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clika_core.errors import NumericsError
from clika_core.schemes import PerGroup, PerTensor, QuantScheme, named
from clika_core.schemes.serialization import scheme_from_json, scheme_to_json

SCHEMES = [
    named.WEIGHT_INT8,
    named.ACTIVATION_UINT8,
    named.ACTIVATION_INT8_SYMMETRIC,
    named.WEIGHT_INT8.with_num_bits(4).with_granularity(PerGroup(-1, 64)),
    QuantScheme(named.FP8_E5M2, PerTensor(), is_symmetric=True),
]


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_what_was_written_is_read_back(scheme: QuantScheme) -> None:
    assert scheme_from_json(json.loads(json.dumps(scheme_to_json(scheme)))) == scheme


def test_the_file_form_is_plain() -> None:
    assert scheme_to_json(named.WEIGHT_INT8) == {
        "format": {"kind": "integer", "num_bits": 8, "is_signed": True, "code_range": "narrow"},
        "granularity": {"kind": "per_channel", "axis": 0},
        "is_symmetric": True,
    }


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("format", "kind"), "complex", "complex"),
        (("format", "num_bits"), "8", "num_bits"),
        (("format", "num_bits"), True, "num_bits"),
        (("format", "num_bits"), 99, "num_bits 99"),
        (("format", "is_signed"), 1, "is_signed"),
        (("format", "code_range"), "wide", "wide"),
        (("format", "colour"), "red", "colour"),
        (("granularity", "kind"), ["per_tensor"], "per_tensor"),
        (("granularity", "axis"), None, "axis"),
        (("granularity",), "per_tensor", "granularity"),
        (("is_symmetric",), "yes", "is_symmetric"),
    ],
)
def test_anything_else_is_refused_and_named(path: tuple[str, ...], value: object, complaint: str) -> None:
    data: dict[str, Any] = scheme_to_json(named.WEIGHT_INT8)
    inner = data
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    with pytest.raises(NumericsError, match=complaint):
        scheme_from_json(data)
