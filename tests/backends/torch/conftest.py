"""One thread, and traces that tests share."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
import torch
from torch import nn

from clika_torch.traced_model import TorchTracedModel
from clika_torch.tracing import trace
from tests.backends.torch.models import CASES


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@cache
def traced_case(name: str) -> tuple[nn.Module, TorchTracedModel]:
    """A network and its trace on two samples; tests must not change either."""
    case = CASES[name]
    model = case.model()
    return model, trace(model, case.inputs(2))
