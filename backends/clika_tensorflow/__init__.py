"""TensorFlow and Keras: tracing through concrete functions, an interpreter of their operations, native models.

Start reading at `backend`; `tracing` makes a `TensorFlowTracedModel` out of a model:

    callable_model  structure  example           what a model is called with, taken apart
    capturing  regions                           the model becomes a graph, and each layer call a region of it
    flattening  raw_calls  observing             functions inlined, every operation callable, every shape known
    operators  recorder  operation  program      one native call in neutral words, and records for the core
    layer_call  interpreter                      running the layers
    parameters  arrays  traced_model             what the core sees
    native_model  keras_file                     what is trained, and what a `.keras` file holds of it

`registration` imports no framework; everything else may import TensorFlow and `clika_core`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def load_model(path: str | Path) -> Any:
    """The quantized Keras model in a `.keras` file, ready to be called and trained.

    `keras.saving.load_model` gives the same once `clika_tensorflow.native_model` is imported.
    """
    from clika_tensorflow.quiet_import import import_tensorflow

    import_tensorflow()
    from keras.saving import load_model as load

    import clika_tensorflow.native_model  # noqa: F401 - Keras knows its classes from here on

    return load(path)
