"""Targets for tests: one that fuses and runs nearly everything, and random ones made of the same table."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from clika_core.schemes.named import ACTIVATION_UINT8, WEIGHT_INT8
from clika_core.targets.target import Arithmetic, Kernel, Target
from clika_core.testing.strategies.kinds import LAYER_KINDS

_TYPES = tuple(dict.fromkeys(kind.type for kind in LAYER_KINDS))

LAB = Target(
    name="lab",
    description="exists only in tests: runs every type, unknown ones too, and fuses chains",
    kernels={name: Kernel(Arithmetic.ELEMENTWISE) for name in _TYPES},
    weights=WEIGHT_INT8,
    activations=ACTIVATION_UINT8,
    fusions={
        "conv": ("relu", "relu6"),
        "linear": ("relu", "sigmoid"),
        "add": ("relu", "relu6"),
        "batch_norm": ("sigmoid",),
    },
    weight_bits=(4, 8),
)


def targets() -> st.SearchStrategy[Target]:
    """Targets that run a part of the types, fuse other followers, and have other widths."""
    followers = st.lists(st.sampled_from(["relu", "relu6", "sigmoid", "softmax"]), unique=True)
    heads = st.sampled_from(["conv", "linear", "add", "mul", "matmul", "layer_norm", "lstm"])
    return st.builds(
        lambda missing, fusions, weight_bits: replace(
            LAB,
            kernels={name: kernel for name, kernel in LAB.kernels.items() if name not in missing},
            fusions=fusions,
            weight_bits=weight_bits,
        ),
        missing=st.frozensets(st.sampled_from(_TYPES), max_size=6),
        fusions=st.dictionaries(heads, followers.map(tuple), max_size=4),
        weight_bits=st.sampled_from([(8,), (4, 8)]),
    )
