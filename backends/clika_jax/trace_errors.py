"""Why a model cannot be traced, in the words of its author: which line, what, and what to do."""

from __future__ import annotations

import traceback
from typing import Final

import jax

from clika_core.errors import Location, TraceError
from clika_jax.trace_facts import is_users

_REASONS: Final = (
    (
        jax.errors.TracerBoolConversionError,
        "what the model computes depends on the values of an array (`if`, `while`)",
        "use jnp.where, jax.lax.cond or masks instead",
    ),
    (
        jax.errors.ConcretizationTypeError,
        "the model needs the values of an array while it is traced (a size, an index, `int(...)`)",
        "compute it with jax.numpy, or give it as a Python number",
    ),
    (
        jax.errors.TracerArrayConversionError,
        "the model leaves JAX: it turns an array into a NumPy array",
        "compute it with jax.numpy",
    ),
)


def explain(error: Exception, model: str) -> TraceError:
    """The error in words, at the innermost line of the user's own code."""
    found, fix = next(
        ((reason, advice) for kind, reason, advice in _REASONS if isinstance(error, kind)),
        (_first_line(error), "run the model once on the example inputs: it has to take them"),
    )
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if is_users(frame.filename)]
    place = Location(frames[-1].filename, frames[-1].lineno or 1) if frames else None
    return TraceError(f"{model} cannot be traced", found=found, fix=fix, location=place)


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"
