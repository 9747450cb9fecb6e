"""`TensorFlowLayerCall`: one layer about to run, as a visitor sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from clika_core.backend.step_call import Lookup, StepCall
from clika_core.ir.recording import Ref
from clika_tensorflow.dtypes import dtype_name, is_float, widest
from clika_tensorflow.operation import Operation


class TensorFlowLayerCall(StepCall[Operation]):
    """A layer on tensors of TensorFlow."""

    def compute(
        self, operation: Operation, lookup: Lookup, dtype: str | None, placed: Mapping[str, Any]
    ) -> dict[Ref, Any]:
        """What one operation gives, `placed` operands put into the places of their roles."""
        return operation.call(lookup, dtype, placed)

    def float_dtype(self, value: Any) -> str | None:
        """The dtype of a floating tensor in the IR's words; None for everything else."""
        return dtype_name(value.dtype) if is_float(value) else None

    def common_dtype(self, values: Sequence[Any]) -> str:
        """The dtype that holds every floating tensor among `values`."""
        return widest(list(values))

    def cast(self, value: Any, dtype: str) -> Any:
        """A floating tensor in `dtype`; everything else as it is."""
        return tf.cast(value, dtype) if is_float(value) else value

    def zeros(self, shape: Sequence[int], dtype: str) -> Any:
        """A tensor of zeros."""
        return tf.zeros(tuple(shape), dtype)
