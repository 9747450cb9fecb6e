"""JAX's primitives in neutral words: one entry each, in the family it belongs to."""

from __future__ import annotations

from clika_jax.operators import elementwise, lookup, movement, recurrent, reduction, weighted
from clika_jax.operators.translation import Translation
from clika_jax.translator import verbatim

TRANSLATIONS: dict[str, Translation] = {
    **elementwise.TRANSLATIONS,
    **reduction.TRANSLATIONS,
    **movement.TRANSLATIONS,
    **lookup.TRANSLATIONS,
    **recurrent.TRANSLATIONS,
    **weighted.TRANSLATIONS,
}


def translation_of(primitive: str) -> Translation:
    """How the primitive is said; one without a neutral word is taken over as it is."""
    return TRANSLATIONS.get(primitive, verbatim)
