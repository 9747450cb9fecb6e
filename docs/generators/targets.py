"""The page of deployment targets: schemes, widths, kernels with their conditions, fusions."""

from __future__ import annotations

from clika_core.schemes import QuantScheme
from clika_core.targets.registration import clika_register_targets
from clika_core.targets.target import Kernel, Target
from docs.generators.markdown import code, codes, page, table

_INTRODUCTION = """\
A target says which layers a runtime computes in integers, with which schemes, and what it fuses. `--target`
chooses one, else `deployment_settings.target_framework`. A plugin may bring others: see [hooks](hooks.md)."""


def page_text() -> str:
    """The page."""
    return page("Targets", _INTRODUCTION, *map(_section, clika_register_targets()))


def _section(target: Target) -> str:
    facts = [
        ("weights", _scheme(target.weights, target.weight_bits)),
        ("activations", _scheme(target.activations, target.activation_bits)),
        ("file", _file(target)),
        ("half range of weights", "can be asked for" if target.has_half_range else "no"),
    ]
    if target.fixed_outputs:
        fixed = [
            f"`{name}` ({scale:g}, {zero})" for name, (scale, zero) in sorted(target.fixed_outputs.items())
        ]
        facts.append(("fixed scale and zero point", ", ".join(fixed)))
    if target.same_scales:
        facts.append(("one scale for operands and output", codes(target.same_scales)))
    kernels = [
        (code(name), str(kernel.arithmetic), _needs(kernel))
        for name, kernel in sorted(target.kernels.items())
    ]
    fusions = [(code(head), codes(followers)) for head, followers in sorted(target.fusions.items())]
    return "\n\n".join(
        [
            f"## {target.name}",
            f"{target.description[:1].upper()}{target.description[1:]}.",
            table(("", ""), facts),
            table(("type", "arithmetic", "needs"), kernels),
            *(
                [f"Fused behind a head:\n\n{table(('head', 'may be followed by'), fusions)}"]
                if fusions
                else []
            ),
        ]
    )


def _scheme(scheme: QuantScheme, widths: tuple[int, ...]) -> str:
    """`int8 or int4, symmetric`."""
    kind = "int" if getattr(scheme.format, "is_signed", True) else "uint"
    sign = "symmetric" if scheme.is_symmetric else "asymmetric"
    return f"{' or '.join(f'{kind}{width}' for width in widths)}, {sign}"


def _file(target: Target) -> str:
    writer = f", written by the backend `{target.written_by}`" if target.written_by else ""
    return f"`{target.file_suffix}`{writer}"


def _needs(kernel: Kernel) -> str:
    needs = ["a constant weight"] if kernel.needs_weight else []
    if kernel.weight_axis is not None:
        needs.append(f"one weight scale per channel (axis {kernel.weight_axis})")
    if kernel.condition is not None:
        lines = (kernel.condition.__doc__ or kernel.condition.__name__).splitlines()
        needs.append(lines[0].rstrip("."))
    return "; ".join(needs)
