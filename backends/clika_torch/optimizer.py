"""The optimizer of a native model: the user's, rebuilt by parameter name, or the built-in one."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from clika_core.backend.scale_steps import scale_steps
from clika_core.errors import ModelError
from clika_torch.arrays import to_numpy
from clika_torch.sharded import shared_as, whole

Named = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """An optimizer over a native model's parameters, and what the user should know."""

    optimizer: torch.optim.Optimizer
    notes: tuple[str, ...] = ()
    user_groups: list[list[str | None]] | None = (
        None  # native names by group and position of the user's optimizer
    )


def built_in(parameters: Named, scales: Sequence[str], learning_rate: float) -> Rebuilt:
    """Adam over all parameters (Kingma & Ba 2015); `scales` are those among them that are learned scales."""
    plain = [tensor for name, tensor in parameters.items() if name not in set(scales)]
    return Rebuilt(_with_scales(torch.optim.Adam(plain, lr=learning_rate), parameters, scales))


def _with_scales(
    optimizer: torch.optim.Optimizer, native: Named, scales: Sequence[str]
) -> torch.optim.Optimizer:
    """Add a group for every learned scale: the first group's hyper-parameters, without weight decay."""
    first = {key: value for key, value in optimizer.param_groups[0].items() if key != "params"}
    decay = {"weight_decay": 0.0} if "weight_decay" in first else {}
    held = {name: to_numpy(whole(native[name])) for name in scales}
    steps = scale_steps(held, is_adaptive="betas" in first)
    for name, share in steps.items():
        group = {**first, **decay, "lr": first["lr"] * share, "params": [native[name]]}
        optimizer.add_param_group(group)
    return optimizer


def rebuilt(
    optimizer: Any,
    original: Named,
    native: Named,
    changed: Iterable[str],
    absorbed: Mapping[str, str],
    scales: Sequence[str] = (),
) -> Rebuilt:
    """`optimizer` for `native`: same class, groups and hyper-parameters, the state of unchanged parameters.

    `original` are the parameters of the user's model, by name, that the optimizer is bound to. `changed` are names
    whose values preprocessing changed: their state starts anew. `absorbed` maps a parameter that became part of
    another (a folded norm's) to the native parameter that has it now; `scales` are learned scales. Native parameters
    that the optimizer never held are frozen. Raises ModelError for a parameter of neither, and for a class that
    cannot be made again.
    """
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise ModelError(
            "this is no optimizer of PyTorch's",
            found=type(optimizer).__name__,
            expected="torch.optim.Optimizer",
        )
    names = {id(tensor): name for name, tensor in original.items()}
    groups: list[dict[str, Any]] = []
    placed: dict[str, tuple[Tensor, bool]] = {}
    unused: list[str] = []
    user_groups: list[list[str | None]] = []
    for number, group in enumerate(optimizer.param_groups):
        own: dict[str, Tensor] = {}
        user_groups.append([])
        for tensor in group["params"]:
            name = _name_of(tensor, names, number)
            target = name if name in native else absorbed.get(name)
            user_groups[-1].append(target)
            if target is None:
                unused.append(name)
            elif target not in placed:
                own[target] = native[target]
                placed[target] = (tensor, target == name and name not in set(changed))
        groups.append({**{k: v for k, v in group.items() if k != "params"}, "params": list(own.values())})
    frozen = [name for name in native if name not in placed and name not in set(scales)]
    for name in frozen:
        native[name].requires_grad_(False)
    made = _made(optimizer, [group for group in groups if group["params"]])
    for name, (tensor, is_kept) in placed.items():
        if is_kept and tensor in optimizer.state:
            made.state[native[name]] = _copied(optimizer.state[tensor], native[name])
    return Rebuilt(_with_scales(made, native, scales), tuple(_notes(unused, frozen)), user_groups)


def rebuilt_by_position(
    optimizer: Any, native: Named, user_groups: Any, scales: Sequence[str] = ()
) -> Rebuilt:
    """`optimizer` for `native` where the user's model is not at hand: parameters by position in their groups.

    `user_groups` are those of the optimizer that training began with. Raises ModelError for other numbers.
    """
    found = [len(group["params"]) for group in optimizer.param_groups]
    expected = None if user_groups is None else [len(group) for group in user_groups]
    if found != expected:
        raise ModelError(
            "the parameters of this optimizer cannot be told apart",
            found=f"groups of {found} parameters",
            expected="none: training began with the built-in optimizer"
            if expected is None
            else f"{expected}",
            fix="give the model as well (clika_resume(..., model=model)), or no optimizer: the saved one goes on",
        )
    made, placed = [], set()
    for group, names in zip(optimizer.param_groups, user_groups, strict=True):
        own = [name for name in dict.fromkeys(names) if name is not None and name not in placed]
        placed.update(own)
        made.append({**{k: v for k, v in group.items() if k != "params"}, "params": [native[n] for n in own]})
    again = _with_scales(_made(optimizer, [group for group in made if group["params"]]), native, scales)
    return Rebuilt(again, user_groups=user_groups)


def _name_of(tensor: Tensor, names: Mapping[int, str], group: int) -> str:
    name = names.get(id(tensor))
    if name is None:
        raise ModelError(
            "the optimizer holds a parameter that is not the model's",
            found=f"shape {list(tensor.shape)} in group {group}",
            expected="parameters of the model that is compressed",
            fix="make the optimizer over model.parameters(), after the model is on its device",
        )
    return name


def _notes(unused: Sequence[str], frozen: Sequence[str]) -> Iterable[str]:
    if unused:
        yield f"parameters that no layer reads are not trained: {', '.join(unused)}"
    if frozen:
        yield f"parameters that the optimizer does not hold stay as they are: {', '.join(frozen)}"


def _made(optimizer: torch.optim.Optimizer, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """An optimizer of the same class; its constructor is given the defaults that it takes."""
    kind = type(optimizer)
    taken = inspect.signature(kind).parameters
    defaults = {name: value for name, value in optimizer.defaults.items() if name in taken}
    try:
        return kind(groups, **defaults)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"an optimizer of class {kind.__name__} cannot be made for the quantized model",
            found=str(error),
            fix="let its constructor take (params, **hyper-parameters), or use one of torch.optim",
        ) from error


def _copied(state: Mapping[str, Any], parameter: Tensor) -> dict[str, Any]:
    return {
        key: shared_as(value.detach().clone().to(parameter), parameter)
        if isinstance(value, Tensor) and value.dim()
        else value.detach().clone()
        if isinstance(value, Tensor)
        else value
        for key, value in state.items()
    }


def named_parameters(model: nn.Module) -> dict[str, Tensor]:
    """The parameters of a module by name, each once."""
    return dict(model.named_parameters())
