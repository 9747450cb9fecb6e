"""Pooling and resizing."""

from __future__ import annotations

from collections.abc import Callable

from clika_torch.operators.mapping import Attributes, Call, Mapping, roles


def _window(rank: int) -> Callable[[Call], Attributes]:
    """Kernel, strides (the kernel where none are given), padding as (before, after), dilations."""

    def attributes(call: Call) -> Attributes:
        kernel = call.numbers("kernel_size", rank)
        found: Attributes = {
            "kernel_size": kernel,
            "strides": call.numbers("stride", rank) or kernel,
            "padding": tuple((pad, pad) for pad in call.numbers("padding", rank)),
            "ceil_mode": call["ceil_mode"],
        }
        if "dilation" in call.arguments:
            found["dilations"] = call.numbers("dilation", rank)
        return found

    return attributes


def _average(rank: int) -> Callable[[Call], Attributes]:
    """A window, and what the sum is divided by."""
    window = _window(rank)

    def attributes(call: Call) -> Attributes:
        divisor = call.arguments.get("divisor_override")
        found: Attributes = {**window(call), "count_include_pad": call["count_include_pad"]}
        return found if divisor is None else {**found, "divisor": divisor}

    return attributes


def _output_size(rank: int) -> Callable[[Call], Attributes]:
    return lambda call: {"output_size": call.result_shape[-rank:]}


def _resize(mode: str, rank: int) -> Callable[[Call], Attributes]:
    """The size that comes out, and the factors where the call gives them."""

    def attributes(call: Call) -> Attributes:
        found: Attributes = {"size": call.result_shape[-rank:]}
        if call.arguments.get("scale_factors") is not None:
            found["scales"] = call["scale_factors"]
        if mode != "nearest":
            found |= {"mode": mode, "align_corners": call["align_corners"]}
        return found

    return attributes


def _by_rank(rank: int) -> dict[str, Mapping]:
    windowed = ("input", "self")
    nearest = Mapping("resize_nearest", roles("input=self"), _resize("nearest", rank))
    return {
        f"aten.max_pool{rank}d": Mapping("max_pool", (windowed,), _window(rank)),
        f"aten.max_pool{rank}d_with_indices": Mapping(
            "max_pool", (windowed,), _window(rank), is_trimmed=True
        ),
        f"aten.avg_pool{rank}d": Mapping("avg_pool", (windowed,), _average(rank)),
        f"aten.adaptive_avg_pool{rank}d": Mapping("adaptive_avg_pool", (windowed,), _output_size(rank)),
        f"aten.adaptive_max_pool{rank}d": Mapping(
            "adaptive_max_pool", (windowed,), _output_size(rank), is_trimmed=True
        ),
        f"aten.upsample_nearest{rank}d": nearest,
        f"aten.upsample_nearest{rank}d.vec": Mapping(
            "resize_nearest", roles("input"), _resize("nearest", rank)
        ),
    }


_SMOOTH = {
    "upsample_linear1d": ("linear", 1),
    "upsample_bilinear2d": ("bilinear", 2),
    "upsample_bicubic2d": ("bicubic", 2),
    "upsample_trilinear3d": ("trilinear", 3),
}

NATIVE = {
    **_by_rank(1),
    **_by_rank(2),
    **_by_rank(3),
    **{
        f"aten._adaptive_avg_pool{n}d": Mapping("adaptive_avg_pool", attributes=_output_size(n))
        for n in (2, 3)
    },
    **{
        f"aten.{name}": Mapping("resize", attributes=_resize(mode, rank))
        for name, (mode, rank) in _SMOOTH.items()
    },
    **{
        f"aten.{name}.vec": Mapping("resize", roles("input"), _resize(mode, rank))
        for name, (mode, rank) in _SMOOTH.items()
    },
}
