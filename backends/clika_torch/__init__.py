"""PyTorch: tracing through `torch.export`, an interpreter of the traced operations, and native models.

Start reading at `backend`; `tracing` makes a `TracedModel` out of

    structure    flat_model  exporting  rewrites   a module becomes a functional fx graph
    operation    program     operators  recorder   the graph becomes operations with named operands, then records
    schedule     layer_call  interpreter           which operations a layer is, and running them
    parameters   traced_model  native_model        weights to read and write, what the core sees, what is trained

`registration` imports no framework; everything else may import torch and `clika_core`.
"""
