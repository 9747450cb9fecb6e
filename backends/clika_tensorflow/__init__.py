"""TensorFlow and Keras: tracing through concrete functions, an interpreter of their operations, native models.

Start reading at `backend`; `tracing` makes a `TensorFlowTracedModel` out of a model:

    callable_model  structure  example           what a model is called with, taken apart
    capturing  regions                           the model becomes a graph, and each layer call a region of it
    flattening  raw_calls  observing             functions inlined, every operation callable, every shape known
    operators  recorder  operation  program      one native call in neutral words, and records for the core
    layer_call  interpreter                      running the layers
    parameters  arrays  traced_model             what the core sees
    native_model                                 what is trained

`registration` imports no framework; everything else may import TensorFlow and `clika_core`.
"""
