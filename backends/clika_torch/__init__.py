"""PyTorch: tracing through `torch.export`, an interpreter of the traced operations, and native models.

Start reading at `backend`; `tracing` makes a `TorchTracedModel` out of a module:

    structure  inputs  example                       what a model is called with, taken apart
    flat_model  exporting  rewrites  writes          the module becomes a functional fx graph
    operation  operators  wording  trace_facts       one native call, in neutral words
    recorder  program  trace                         the graph becomes operations, and records for the core
    layer_call  interpreter                          running the operations of a layer
    parameters  arrays  traced_model                 what the core sees
    native_state  native_model                       what is trained

`registration` imports no framework; everything else may import torch and `clika_core`.
"""
