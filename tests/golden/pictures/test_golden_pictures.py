"""The DOT text of both pictures of small networks, whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clika_core.pictures.draw import initial_picture
from clika_core.pictures.preprocessed import preprocessed_picture
from clika_core.planning.plan import Plan
from tests.core.pictures import networks

NETWORKS = {"residual": networks.residual, "attention": networks.attention, "hostile": networks.hostile}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_traced_graph_is_drawn_as_before(name: str, golden: Callable[[str, str], None]) -> None:
    plan: Plan = NETWORKS[name]()
    golden(f"{name}.model_init.dot", initial_picture(plan.graph).render())


@pytest.mark.parametrize("name", NETWORKS)
def test_the_planned_graph_is_drawn_as_before(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}.model_post_preprocessing.dot", preprocessed_picture(NETWORKS[name]()).render())
