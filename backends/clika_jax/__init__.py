"""JAX: tracing to a jaxpr, an interpreter of the traced operations, and native functions.

Start reading at `backend`; `tracing` makes a `JaxTracedModel` out of a model:

    model  traceable  modules  inputs      what a model is, as a function of its arrays
    flattening  sizes                      its jaxpr without calls, for any batch
    operation  operators  translator       one equation, in neutral words
    program  trace                         operations, and records for the core
    layer_call  interpreter                running the operations of a layer
    parameters  arrays  traced_model       what the core sees
    native_model                           what is trained

`registration`, `backend` and `model` import no framework; everything else may import jax and `clika_core`.
"""

from clika_jax.model import Model

__all__ = ["Model"]
