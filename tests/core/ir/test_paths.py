"""Module paths are written one way, whoever wrote them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clika_core.ir.paths import common_path, normalise_path

COMPONENTS = st.lists(st.text("abz019_", min_size=1, max_size=4), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("features.0.conv", "features.0.conv"),
        ("encoder/layer/dense", "encoder.layer.dense"),
        ("blocks[3].attn", "blocks.3.attn"),
        ("['params']['Dense_0']", "params.Dense_0"),
        ('["a"]/b[0]', "a.b.0"),
        ("/leading/and/trailing/", "leading.and.trailing"),
        ("a..b", "a.b"),
        ("layer.[0]", "layer.0"),
        ("blocks[*].conv", "blocks.*.conv"),
        ("blocks.**.conv?", "blocks.**.conv?"),
        ("1.10", "1.10"),
        ("", ""),
    ],
)
def test_all_ways_to_write_a_path_become_one(written: str, normal: str) -> None:
    assert normalise_path(written) == normal


@given(st.text("ab.[]/'\"*0 "))
def test_a_normal_path_is_left_alone(path: str) -> None:
    once = normalise_path(path)
    assert normalise_path(once) == once


@given(COMPONENTS)
def test_separators_do_not_matter(components: list[str]) -> None:
    dotted = ".".join(components)
    assert normalise_path("/".join(components)) == dotted
    assert normalise_path(components[0] + "".join(f"[{part}]" for part in components[1:])) == dotted


@pytest.mark.parametrize(
    ("paths", "common"),
    [
        (["a.b.c"], "a.b.c"),
        (["a.b.c", "a.b"], "a.b"),
        (["a.b", "a.b.c"], "a.b"),
        (["a.b.c", "a.b.d"], "a.b"),
        (["a.bc", "a.bd"], "a"),
        (["a", "b"], None),
        ([], None),
    ],
)
def test_the_common_path_is_the_deepest_shared_module(paths: list[str], common: str | None) -> None:
    assert common_path(paths) == common
