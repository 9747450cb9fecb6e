"""Inputs as users give them, taken apart into arrays in the order of the trace."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from clika_core.backend.fit import check_fit
from clika_core.backend.signature import Signature
from clika_core.errors import DataError
from clika_core.ir.graph import Node
from clika_jax.trace_facts import dtype_name


def is_array(leaf: Any) -> bool:
    """Whether a leaf is an array or the description of one; plain numbers are part of the model."""
    return isinstance(leaf, jax.Array | np.ndarray | np.generic | jax.ShapeDtypeStruct)


@dataclass(frozen=True, slots=True, eq=False)
class InputLayout:
    """The arguments that a model was traced with: paths of the arrays, everything else as it was."""

    signature: Signature
    paths: tuple[str, ...]
    tree: Any
    constants: Mapping[str, Any]

    @classmethod
    def of(cls, signature: Signature, inputs: Any) -> tuple[InputLayout, list[Any]]:
        """The layout of example inputs, and the arrays in them. Raises DataError where they are no call."""
        try:
            args, kwargs = signature.call_form(inputs)
            arguments = signature.bind(args, kwargs)
        except TypeError as error:
            raise DataError(
                f"the example inputs do not fit the model's arguments {signature.parameters}",
                found=str(error),
                fix="give a tuple in the order of the arguments, or a dict by their names",
            ) from error
        leaves, tree = _flatten(arguments)
        arrays = {path: leaf for path, leaf in leaves.items() if is_array(leaf)}
        constants = {path: leaf for path, leaf in leaves.items() if path not in arrays}
        return cls(signature, tuple(arrays), tree, constants), list(arrays.values())

    def take(self, inputs: Any) -> list[Any]:
        """The arrays in `inputs`, given as users give them, in the order of the trace; raises DataError."""
        return self.take_call(*self.signature.call_form(inputs))

    def take_call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Any]:
        """The same for the arguments of a call."""
        try:
            leaves, tree = _flatten(self.signature.bind(args, kwargs))
        except TypeError as error:
            raise self._misfit(str(error)) from error
        missing = [path for path in self.paths if path not in leaves]
        unexpected = [path for path in leaves if path not in self.paths and path not in self.constants]
        if missing or unexpected or tree != self.tree:
            raise self._misfit(
                f"missing: {', '.join(missing) or '-'}; not known: {', '.join(unexpected) or '-'}"
            )
        for path, value in self.constants.items():
            if not (leaves[path] is value or leaves[path] == value):
                raise DataError(
                    f"argument {path!r} is part of the traced model and cannot change",
                    found=repr(leaves[path]),
                    expected=repr(value),
                    fix="trace the model again with this value",
                )
        return [leaves[path] for path in self.paths]

    def arguments(self, arrays: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call with these arrays."""
        given = dict(zip(self.paths, arrays, strict=True))
        order = [given[path] if path in given else self.constants[path] for path in self._order()]
        bound = self.signature.parameters.bind_partial()
        bound.arguments.update(jax.tree_util.tree_unflatten(self.tree, order))
        return bound.args, bound.kwargs

    def _order(self) -> list[str]:
        """The paths of all leaves in the order of the tree."""
        positions = list(range(self.tree.num_leaves))
        placed = jax.tree_util.tree_unflatten(self.tree, positions)
        return [path_text(path) for path, _ in jax.tree_util.tree_flatten_with_path(placed)[0]]

    def _misfit(self, found: str) -> DataError:
        return DataError(
            "these inputs are not what the model was traced with",
            found=found,
            expected=", ".join(self.paths),
            fix="give a tuple in the order of the model's arguments, or a dict by their names",
        )


def as_arrays(leaves: Sequence[Any], nodes: Sequence[Node]) -> list[Any]:
    """Leaves as arrays of JAX, in the order of the inputs.

    Raises DataError naming the input unless each has the dtype and the shape of its input node. Integers of 64 bits
    count as the 32 that JAX makes of them.
    """
    found = [(dtype_name(_dtype(leaf)), tuple(leaf.shape)) for leaf in leaves]
    check_fit(found, nodes, conversion=".astype(jnp.{dtype}) in JAX")
    return [leaf if isinstance(leaf, jax.Array) else jnp.asarray(leaf) for leaf in leaves]


def _dtype(leaf: Any) -> Any:
    is_integer = isinstance(leaf.dtype, np.dtype) and leaf.dtype.kind in "iu"
    return jax.dtypes.canonicalize_dtype(leaf.dtype) if is_integer else leaf.dtype


def path_text(path: Sequence[Any]) -> str:
    """A path of a pytree as one writes it: `blocks.0.kernel`."""
    return ".".join(str(_key(part)) for part in path)


def _key(part: Any) -> Any:
    return next((getattr(part, name) for name in ("key", "name", "idx") if hasattr(part, name)), part)


def _flatten(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """Leaves by path, in the order of the arguments: of a plain dict they would come in the order of the alphabet."""
    leaves, tree = jax.tree_util.tree_flatten_with_path(OrderedDict(arguments))
    return {path_text(path): leaf for path, leaf in leaves}, tree
