"""CLK403."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.finding import Finding
from clika_linter.rule import Need, Rule

_SECTION = "deployment_settings"
_TARGETS = ("ort", "ov")  # they multiply int8 on the CPU by instructions that add pairs in int16
_LARGEST_SAFE_BITS = 7  # 2 · 255 · 63 fits into int16, 2 · 255 · 127 does not
_VNNI, _OLD = ["avx2", "avx512_vnni"], ["avx2", "avx512f"]


class FullRangeOverflow(Rule):
    """Sums of int8 products can overflow on this CPU.

    ## What it does
    Reports 8-bit weights in their full range for the targets `ort` and `ov`, where `deployment_settings.cpu` or
    the processor flags in the report say that the CPU is an x86 without VNNI.

    ## Why is this bad?
    Such a CPU adds pairs of products in int16: 2 · 255 · 127 = 64,770 does not fit, and is cut to 32,767. The
    outputs are wrong for large values, on this CPU alone, and no simulation shows it.

    ## Example
    ```yaml
    deployment_settings:
      target_framework: ort
      cpu: avx2
    ```

    ## Use instead
    ```yaml
    deployment_settings:
      target_framework: ort
      cpu: avx2
      weights_utilize_full_int_range: false
    ```
    """

    code = "CLK403"
    name = "full-range-overflow"
    severity = Severity.WARNING
    needs = (Need.SETTINGS,)

    VALID = (
        Valid(settings=""),
        Valid(settings="deployment_settings: {cpu: vnni}\n", report={"cpu_flags": _OLD}),
        Valid(settings="deployment_settings: {cpu: avx2, weights_utilize_full_int_range: false}\n"),
        Valid(settings="deployment_settings: {cpu: avx2, target_framework: trt}\n"),
        Valid(settings="", report={"cpu_flags": _VNNI}),
        Valid(settings="", report={"cpu_flags": ["asimd"]}, about="ARM adds in int32"),
        Valid(settings="", report={"cpu_flags": []}, about="a system that does not tell"),
        Valid(
            settings="deployment_settings: {cpu: avx2}\nglobal_quantization_settings: {weights_num_bits: 7}\n",
            about="7 bits cannot overflow",
        ),
    )
    INVALID = (
        Invalid(
            settings="deployment_settings:\n  cpu: «avx2»\n",
            messages=("sums of int8 products can overflow: a CPU with avx2 alone has no VNNI",),
        ),
        Invalid(
            settings="deployment_settings:\n  cpu: avx2\n  weights_utilize_full_int_range: «true»\n",
            messages=("sums of int8 products can overflow: a CPU with avx2 alone has no VNNI",),
        ),
        Invalid(
            settings='{"deployment_settings": {"target_framework": "ov", "cpu": «"avx2"»}}',
            syntax="json",
            messages=("sums of int8 products can overflow: a CPU with avx2 alone has no VNNI",),
        ),
        Invalid(
            settings="",
            report={"cpu_flags": _OLD},
            messages=("sums of int8 products can overflow: the CPU of clika_report.json has no VNNI",),
        ),
        Invalid(
            settings="[deployment_settings]\ncpu = 'avx2'\n",
            syntax="toml",
            messages=("sums of int8 products can overflow",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Ask the settings for the CPU, then the report."""
        given = context.settings.deployment_settings
        num_bits = context.settings.global_quantization_settings.weights_num_bits
        has_full_range = given.weights_utilize_full_int_range is not False and num_bits > _LARGEST_SAFE_BITS
        cpu = _cpu_without_vnni(context) if has_full_range and given.target_framework in _TARGETS else None
        if cpu is None:
            return
        places = context.places
        span = places.value_span(_SECTION, "weights_utilize_full_int_range")
        hint = "" if given.cpu else ", or deployment_settings.cpu where the model runs on another CPU"
        yield Finding(
            f"sums of int8 products can overflow: {cpu} has no VNNI",
            span or places.value_span(_SECTION, "cpu"),
            help=f"set deployment_settings.weights_utilize_full_int_range: false{hint}",
        )


def _cpu_without_vnni(context: Context) -> str | None:
    """What to call the CPU, where it is known to lack VNNI."""
    cpu = context.settings.deployment_settings.cpu
    if cpu is not None:
        return "a CPU with avx2 alone" if cpu == "avx2" else None
    report = context.raw_report
    if report is None or not report.cpu_flags:
        return None
    from clika_core.pipeline.environment import lacks_vnni

    return f"the CPU of {report.file}" if lacks_vnni(list(report.cpu_flags)) else None
