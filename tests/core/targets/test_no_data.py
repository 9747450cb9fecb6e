"""A layer that computes on constants alone has no range to calibrate: it is not quantized; a look-up of codes is."""

from __future__ import annotations

import pytest

from clika_core.targets.ort import ORT


@pytest.mark.parametrize("type_", ["conv", "linear", "add"])
def test_a_layer_without_float_data_is_refused(type_: str) -> None:
    for has_weight in (False, True):
        assert "only on floating-point data" in (ORT.refusal(type_, has_weight, has_data=False) or "")


def test_an_embedding_reads_codes_and_is_taken_as_every_weighted_type_is() -> None:
    with_data, without = (ORT.refusal("embedding", True, has_data) for has_data in (True, False))
    assert with_data == without
