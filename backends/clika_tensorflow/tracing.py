"""Tracing: from a user's model and example inputs to a `TensorFlowTracedModel`.

    callable model -> captured graph -> flat calls -> observed on the examples -> sizes settled
                   -> recorder -> core's assembly

The batch is left free; where a model takes no other batch than the example's, it is traced with that.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import tensorflow as tf

from clika_core.backend.fixed_batch import fixed_batch
from clika_core.errors import ClikaError, TraceError
from clika_core.ir.assembly import assemble
from clika_tensorflow.callable_model import callable_model
from clika_tensorflow.capturing import Captured, capture
from clika_tensorflow.example import Example
from clika_tensorflow.flattening import FlatGraph, flatten_graph
from clika_tensorflow.interpreter import Held
from clika_tensorflow.observing import Observed, observe
from clika_tensorflow.program import Trace
from clika_tensorflow.recorder import Recorder
from clika_tensorflow.rewrites import rewritten
from clika_tensorflow.settled_sizes import settled
from clika_tensorflow.trace_errors import explain
from clika_tensorflow.traced_model import TensorFlowTracedModel

_FREE_BATCH: Final = "take sizes from tf.shape(x) in the model"


def trace(model: Any, example_inputs: Any, *, name: str | None = None) -> TensorFlowTracedModel:
    """Trace `model` in inference; the user's object is not changed.

    Raises TraceError where the model cannot be traced.
    """
    example = Example.of(callable_model(model), example_inputs)
    captured, flat, observed = _followed(model, example)
    recorder = Recorder(captured, flat, observed, example)
    program, recording = recorder.record(name or _name(model))
    assembly = assemble(recording)
    graph = assembly.graph
    if not captured.is_batch_free:
        graph = replace(
            graph,
            diagnostics=(
                *assembly.diagnostics,
                fixed_batch(graph.inputs[0].name, observed.batch, _FREE_BATCH),
            ),
        )
    state = {name: held.value for name, held in program.state.items()}
    kept = replace(example, arrays=())
    return TensorFlowTracedModel(Trace(program, kept, graph, assembly.regions), Held(state, {}))


def loaded(folder: Path) -> Any:
    """The SavedModel in `folder`. Raises TraceError where it cannot be loaded."""
    try:
        return tf.saved_model.load(str(folder))
    except Exception as error:
        raise TraceError(
            f"the SavedModel in {folder} cannot be loaded",
            found=f"{type(error).__name__}: {' '.join(str(error).split())[:300]}",
            fix="save it with this release of TensorFlow: model.export(...), or tf.saved_model.save(...)",
        ) from error


def _followed(model: Any, example: Example) -> tuple[Captured, FlatGraph, Observed]:
    """The trace with the batch free to change if the model can, else as the example is."""
    try:
        return _follow(model, example, free_batch=True)
    except Exception:  # noqa: BLE001 - whatever fails on any batch may work on the one given
        return _followed_as_given(model, example)


def _followed_as_given(model: Any, example: Example) -> tuple[Captured, FlatGraph, Observed]:
    try:
        return _follow(model, example, free_batch=False)
    except ClikaError:
        raise
    except Exception as error:
        raise explain(error, model) from error


def _follow(model: Any, example: Example, *, free_batch: bool) -> tuple[Captured, FlatGraph, Observed]:
    captured = capture(example, free_batch=free_batch)
    flat = rewritten(flatten_graph(captured, model))
    more = example.enlarged(1) if free_batch else None
    observed = observe(flat, example.arrays, more)
    return captured, settled(flat, observed), observed


def _name(model: Any) -> str:
    return type(model).__name__
