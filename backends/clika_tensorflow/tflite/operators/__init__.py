"""How each operator type is written, one module per family. A new one is one new entry."""

from __future__ import annotations

from clika_tensorflow.tflite.operators import (
    activation,
    arithmetic,
    attention,
    movement,
    normalisation,
    recurrent,
    space,
    weighted,
)
from clika_tensorflow.tflite.operators.layer import Layer, Writer

WRITERS: dict[str, Writer] = {
    **weighted.WRITERS,
    **arithmetic.WRITERS,
    **activation.WRITERS,
    **normalisation.WRITERS,
    **attention.WRITERS,
    **movement.WRITERS,
    **recurrent.WRITERS,
    **space.WRITERS,
}

__all__ = ["WRITERS", "Layer", "Writer"]
