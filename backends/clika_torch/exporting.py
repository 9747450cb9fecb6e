"""Running `torch.export` quietly, in inference, the first axis of every input free to change, and what else may."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Collection, Iterator, Sequence
from itertools import repeat
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from clika_torch.recurrent_export import kept_whole

_NOISY_LOGGERS: Final = ("torch._subclasses.fake_tensor", "torch.fx.experimental.symbolic_shapes")

_NOISE: Final = (
    # nn.LSTM and nn.GRU put their weights in a list while they run, pruning and the old weight norm what they make:
    # what these are made of is registered. A trace keeps nothing else that a forward pass writes.
    (UserWarning, r"The tensor attributes? .* assigned during export"),
    # torch's own deep copy of an exported program touches a class that torch has deprecated.
    (FutureWarning, r".*LeafSpec.* is deprecated"),
)


def export(
    model: nn.Module, arrays: Sequence[Tensor], free: Sequence[Collection[int]] | None = None
) -> ExportedProgram:
    """The operations that `model` runs on `arrays`, undecomposed; raises whatever tracing raises.

    `free` are the axes of each array that may change beside the first one; with any of them recurrent layers are
    operators of ours, to be `put_back`. torch.export keeps a size of one fixed:
    give at least two samples where the batch is to be free.
    """
    axes = [
        {0, *more} if array.dim() else () for array, more in zip(arrays, free or repeat(()), strict=False)
    ]
    shapes: tuple[Any, ...] = tuple(dict.fromkeys(own, Dim.AUTO) if own else None for own in axes)
    kept = kept_whole() if any(free or ()) else contextlib.nullcontext()
    with quietly(), _without_fused_layers(), torch.no_grad(), kept:
        program: ExportedProgram = torch.export.export(
            model, tuple(arrays), strict=False, dynamic_shapes={"arrays": shapes}
        )
    return program


def decompose(program: ExportedProgram) -> ExportedProgram:
    """The same operations in functional form: nothing is written in place."""
    with quietly():
        decomposed: ExportedProgram = program.run_decompositions({})
    return decomposed


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Without the graphs that torch prints, and the tracebacks it logs, before it raises; without its own noise."""
    loggers = [logging.getLogger(name) for name in _NOISY_LOGGERS]
    before = [logger.disabled for logger in loggers]
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        for category, message in _NOISE:
            warnings.filterwarnings("ignore", message, category)
        try:
            for logger in loggers:
                logger.disabled = True
            yield
        finally:
            for logger, was_disabled in zip(loggers, before, strict=True):
                logger.disabled = was_disabled


@contextlib.contextmanager
def _without_fused_layers() -> Iterator[None]:
    """Transformer layers as their operations, not as one fused kernel that training does not have."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
