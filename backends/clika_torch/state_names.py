"""`StateNames`: dotted names for the tensors of a module, none given twice, none inside another."""

from __future__ import annotations

from itertools import chain, count


class StateNames:
    """The names given so far.

    A tensor's name is no prefix of another's: what is at `a` cannot hold `a.b`.
    """

    def __init__(self) -> None:
        """Nothing is taken yet."""
        self._tensors: set[str] = set()
        self._modules: set[str] = set()
        self._by_identity: dict[str, str] = {}

    def of_identity(self, identity: str) -> str:
        """The name of a tensor of the user's model, the same whenever it is asked for."""
        known = self._by_identity.get(identity)
        if known is None:
            known = self._by_identity[identity] = self.claim(identity, identity)
        return known

    def claim(self, wanted: str, fallback: str) -> str:
        """`wanted` where it is free, else `fallback`, else that with a number from 2."""
        candidates = chain([wanted, fallback], (f"{fallback}_{number}" for number in count(2)))
        name = next(filter(self._is_free, candidates))
        self._tensors.add(name)
        self._modules.update(_above(name))
        return name

    def _is_free(self, name: str) -> bool:
        taken = name in self._tensors or name in self._modules
        return not taken and self._tensors.isdisjoint(_above(name))


def _above(name: str) -> list[str]:
    """The modules that `a.b.c` is in: `a` and `a.b`."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]
