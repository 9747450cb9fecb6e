"""Tensors that may be shared out over workers (`DTensor`): whole ones of them, and parts of whole ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


def whole(tensor: Tensor) -> Tensor:
    """The whole tensor. Every worker calls this at the same time."""
    gathered: Any = getattr(tensor, "full_tensor", None)
    return tensor if gathered is None else gathered()


def shared_as(tensor: Tensor, like: Tensor) -> Tensor:
    """A whole tensor, shared out as `like` is."""
    if not hasattr(like, "full_tensor"):
        return tensor
    from torch.distributed.tensor import DTensor, distribute_tensor

    assert isinstance(like, DTensor)
    return distribute_tensor(tensor, like.device_mesh, like.placements)


def clip_gradients(parameters: Sequence[Tensor], limit: float, norm_type: float) -> float:
    """Scale gradients whose common norm is above `limit` down to it; the norm before.

    The norm is that of `torch.nn.utils.clip_grad_norm_`; parameters that are shared out may stand beside others.
    """
    kinds: list[list[Tensor]] = [
        [p for p in parameters if hasattr(p, "full_tensor") is k] for k in (False, True)
    ]
    norms = [
        whole(nn.utils.get_total_norm([p.grad for p in kind if p.grad is not None], norm_type))
        for kind in kinds
        if kind
    ]
    total = norms[0] if len(norms) == 1 else torch.linalg.vector_norm(torch.stack(norms), norm_type)
    for kind in kinds:
        nn.utils.clip_grads_with_norm_(kind, limit, total)
    return float(total)
