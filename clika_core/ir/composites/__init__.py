"""Layers that frameworks spell as many primitives: one file per composite, patterns over neutral primitives.

Read `silu` for an example, `dsl` for the words, `recognition` for the order in which patterns are tried. A
new composite is a new file here and its entry in `COMPOSITES`.
"""

from __future__ import annotations

from clika_core.ir.composites import (
    attention,
    avg_pool,
    batch_norm,
    bias,
    clamp,
    gelu,
    global_pool,
    hard_sigmoid,
    hard_swish,
    layer_norm,
    log_softmax,
    mean,
    prelu,
    relu,
    relu6,
    rms_norm,
    silu,
    softmax,
)

COMPOSITES = (
    attention.COMPOSITE,
    avg_pool.COMPOSITE,
    batch_norm.COMPOSITE,
    bias.CONV,
    bias.CONV_TRANSPOSE,
    bias.LINEAR,
    clamp.COMPOSITE,
    gelu.EXACT,
    gelu.TANH,
    global_pool.COMPOSITE,
    hard_sigmoid.COMPOSITE,
    hard_swish.COMPOSITE,
    layer_norm.COMPOSITE,
    log_softmax.COMPOSITE,
    mean.COMPOSITE,
    prelu.COMPOSITE,
    relu.COMPOSITE,
    relu6.COMPOSITE,
    rms_norm.COMPOSITE,
    silu.COMPOSITE,
    softmax.COMPOSITE,
)
