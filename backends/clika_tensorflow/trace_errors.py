"""What a user can do about a model that TensorFlow cannot trace."""

from __future__ import annotations

import re
import traceback
from typing import Any, Final

from clika_core.errors import Location, TraceError
from clika_tensorflow.source import is_users

_REASONS: Final = (
    (
        re.compile(r"symbolic.*(bool|Python)|OperatorNotAllowedInGraph|Using a symbolic", re.IGNORECASE),
        "what the model computes depends on the values of a tensor (`if`, `while`, `int(...)`, `range(...)`)",
        "use tf.where, tf.cond or masks instead, or trace the part of the model before it",
    ),
    (
        re.compile(
            r"\.numpy\(\)|has no attribute 'numpy'|__array__|convert a symbolic tf.Tensor", re.IGNORECASE
        ),
        "the model leaves TensorFlow: it turns a tensor into NumPy or Python values",
        "compute it with TensorFlow operations",
    ),
)
_TERMINAL: Final = re.compile(r"\x1b\[[\d;]*m")  # Keras writes its messages in bold
_OTHER: Final = ("it fails on the example inputs", "check that the model runs on them: model(*inputs)")


def explain(error: Exception, model: Any) -> TraceError:
    """A TraceError that names the reason, and the line of the user's code where there is one."""
    said = f"{type(error).__name__}: {' '.join(_TERMINAL.sub('', str(error)).split())}"
    found = next((reason for pattern, *reason in _REASONS if pattern.search(said)), None)
    reason, fix = found or _OTHER
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if is_users(frame.filename)]
    location = Location(frames[-1].filename, frames[-1].lineno or 1) if frames else None
    return TraceError(
        f"{type(model).__name__} cannot be traced: {reason}", found=said[:400], fix=fix, location=location
    )
