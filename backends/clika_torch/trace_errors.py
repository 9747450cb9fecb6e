"""Why a model cannot be traced, in the words of its author: which module, which line, what, and what to do."""

from __future__ import annotations

import copy
import re
import traceback
from collections.abc import Iterable
from types import FrameType
from typing import Final

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from clika_core.errors import Location, TraceError
from clika_torch.dtypes import dtype_name
from clika_torch.example import Example
from clika_torch.flat_model import FlatModel
from clika_torch.trace_facts import is_users, own_name

_REASONS: Final = (
    (
        re.compile(r"data-dependent|DataDependent|UnbackedSymInt|unbacked", re.IGNORECASE),
        "what the model computes depends on the values of a tensor (`if`, `while`, `int(...)`, a size)",
        "use torch.where or masks instead, or trace the part of the model before it",
    ),
    (
        re.compile(r"\.numpy\(\) is not supported|tolist"),
        "the model leaves torch: it turns a tensor into NumPy or Python values",
        "compute it with torch operations",
    ),
    (
        re.compile(r"fake ?tensor|FakeTensor|no fake impl|meta kernel|NotImplementedError", re.IGNORECASE),
        "the model runs an operator whose result's shape torch cannot know in advance",
        "register a fake implementation for it (torch.library.register_fake), or compute it with torch operations",
    ),
)
_QUANTIZED: Final = re.compile(
    r"torch\.ao\.nn\.(intrinsic\.)?(quantized|qat)\.|torch\.ao\.quantization\.\w+\.(FakeQuantizeBase|ObserverBase)$"
)
_OTHER: Final = ("torch.export cannot follow it", "rewrite this line with torch operations on tensors")


def refuse_unsupported(model: nn.Module) -> None:
    """Raise TraceError for modules of which it is known beforehand."""
    for name, module in model.named_modules():
        where = f"module {name!r}" if name else "the model"
        if isinstance(module, torch.jit.ScriptModule):
            raise TraceError(
                f"{where} is TorchScript, which cannot be traced",
                found=type(module).__name__,
                expected="an nn.Module in Python",
                fix="give the module that was scripted",
            )
        if _is_uninitialised(module):
            raise TraceError(
                f"{where} has no weights yet",
                found="an uninitialised parameter",
                fix="run the model once on real inputs before tracing it",
            )
        if _is_quantized(module):
            raise TraceError(
                f"{where} is quantized already, or prepared for it",
                found=f"{type(module).__module__}.{type(module).__qualname__}",
                expected="a model in floating point",
                fix="give the model as it was before that",
            )


def _is_quantized(module: nn.Module) -> bool:
    """Whether a module computes on codes, fakes them, or observes for them; or holds torchao's kinds of tensors."""
    kinds = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(module).__mro__]
    held = (type(tensor).__module__ for tensor in module._parameters.values())
    return any(map(_QUANTIZED.match, kinds)) or any(name.startswith("torchao.") for name in held)


def _is_uninitialised(module: nn.Module) -> bool:
    held = (*module._parameters.values(), *module._buffers.values())
    return any(tensor is not None and is_lazy(tensor) for tensor in held)


def explain(error: Exception, model: nn.Module, example: Example) -> TraceError:
    """The TraceError for what export raised: the model fails by itself, or it cannot be traced."""
    own = _own_failure(model, example)
    found = error if own is None else own
    path, location = _place(found)
    where = f" in module {path!r}" if path else ""
    if own is not None:
        message = f"the model fails on the example inputs{where}"
        fix = f"check the example inputs: {_describe(example)}"
    else:
        reason, fix = _reason(error)
        parts = _other_parts(model, path)
        fix += f"; or quantize parts alone: {_as_parts(parts)}" if parts else ""
        message = f"the model cannot be traced{where}: {reason}"
    return TraceError(message, found=_first_line(found), fix=fix, location=location)


def not_with_free_sizes(error: Exception) -> TraceError:
    """The TraceError for what export raised of a model that it follows where all sizes are fixed."""
    path, location = _place(error)
    where = f" in module {path!r}" if path else ""
    return TraceError(
        f"the model cannot be traced with the sizes free that were asked for{where}",
        found=_first_line(error),
        expected="code that torch.export can follow at every size",
        fix="leave the size fixed, or compute this line otherwise",
        location=location,
    )


def _own_failure(model: nn.Module, example: Example) -> Exception | None:
    """What the model itself raises on the example inputs, run on a copy."""
    try:
        flat = FlatModel(copy.deepcopy(model).eval(), example.call, example.order)
    except Exception:  # noqa: BLE001 - a model that cannot be copied is judged by what export said
        return None
    try:
        with torch.no_grad():
            flat(*example.arrays)
    except Exception as error:  # noqa: BLE001 - it is the user's code
        return error
    return None


def _place(error: BaseException) -> tuple[str, Location | None]:
    """The deepest of the user's modules, and the deepest of the user's lines, that an error came through."""
    return innermost(traceback.walk_tb(error.__traceback__))


def innermost(frames: Iterable[tuple[FrameType, int]]) -> tuple[str, Location | None]:
    """The last of the user's modules, and the last of the user's lines, among frames from the outermost on."""
    paths: dict[int, str] = {}
    path, location = "", None
    for frame, line in frames:
        module = frame.f_locals.get("self")
        if isinstance(module, FlatModel):
            paths = {id(inner): own_name(name) for name, inner in module.named_modules() if "." in name}
        path = paths.get(id(module), path)
        if paths and is_users(frame.f_code.co_filename):
            location = Location(frame.f_code.co_filename, line)
    return path, location


def _reason(error: Exception) -> tuple[str, str]:
    text = f"{type(error).__name__}: {error}"
    return next(((reason, fix) for pattern, reason, fix in _REASONS if pattern.search(text)), _OTHER)


def _other_parts(model: nn.Module, path: str) -> list[str]:
    """The largest submodules with weights beside the one that cannot be traced."""
    found, prefix = [], ""
    for step in path.split("."):
        for name, module in model.get_submodule(prefix).named_children():
            if name != step and any(True for _ in module.parameters()):
                found.append(f"{prefix}.{name}".lstrip("."))
        prefix = f"{prefix}.{step}".lstrip(".")
    return found[:4]


def _as_parts(paths: list[str]) -> str:
    """How to quantize these parts, in Python and on the command line."""
    options = " ".join(f"--only {path}" for path in paths)
    return f"clika.compress_parts(model, {paths}, ...), or clika compress with {options}"


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"


def _describe(example: Example) -> str:
    """`x: float32 [2, 3, 8, 8]` for every input."""
    return ", ".join(
        f"{path or 'input'}: {dtype_name(array.dtype)} {list(array.shape)}"
        for path, array in zip(example.layout.example.leaves, example.arrays, strict=True)
    )
