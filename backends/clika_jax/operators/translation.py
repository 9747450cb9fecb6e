"""`Translation`: how one equation is said in the neutral vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from clika_jax.flat import Operand
from clika_jax.translator import Call

Translation: TypeAlias = Callable[[Call], Sequence[Operand]]
"""Emits operations; returns what stands for each result of the equation."""
