"""CLK305."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, unweighted
from clika_linter.finding import Finding
from clika_linter.measured import quantized_heads
from clika_linter.rule import Need, Rule
from clika_linter.wording import listed

_SECTION = "global_quantization_settings"
_THRESHOLD = "global_quantization_settings: {quantization_sensitivity_threshold: 0.1}\n"
_NAMES = ("conv_1", "conv_2", "adaptive_avg_pool_1", "flatten_1", "linear_1")
_COMPLETE = {"layers": [{"name": name, "qs": 0.01, "abs_l2": 2.0} for name in _NAMES]}


class MissingSensitivity(Rule):
    """A sensitivity threshold is set, but nothing is known of a layer's sensitivity.

    ## What it does
    Reports, where `quantization_sensitivity_threshold` is set and in use, the quantized layers that the report has
    no QS for; with `quantization_sensitivity_measure: absolute`, no `abs_l2`. One finding for all of them.

    ## Why is this bad?
    The threshold cannot keep a layer float that was not measured. Until it is, the plan that is shown here is
    not the one that compression will follow.

    ## Example
    There is no report yet.

    ```yaml
    global_quantization_settings: {quantization_sensitivity_threshold: 0.1}
    ```

    ## Use instead
    Run `clika compress` or `clika sensitivity`, and name the report with `--report`.
    """

    code = "CLK305"
    name = "missing-sensitivity"
    severity = Severity.INFO
    needs = (Need.PLAN,)

    VALID = (
        Valid(settings="", graph=classifier, about="no threshold"),
        Valid(settings=_THRESHOLD, graph=classifier, report=_COMPLETE),
        Valid(
            settings=f"{_SECTION}: {{quantization_sensitivity_threshold: 0.1, automatic_skip_quantization: false}}\n",
            graph=classifier,
            about="the threshold is not in use",
        ),
        Valid(
            settings=f"{_SECTION}:\n  quantization_sensitivity_threshold: 5000\n"
            "  quantization_sensitivity_measure: absolute\n",
            graph=classifier,
            report=_COMPLETE,
        ),
        Valid(settings=_THRESHOLD, graph=unweighted, about="nothing is quantized"),
    )
    INVALID = (
        Invalid(
            settings=_THRESHOLD.replace("0.1", "«0.1»"),
            graph=classifier,
            messages=(
                "a sensitivity threshold is set, but there is no report with the sensitivity of any layer",
            ),
            nodes=((),),
        ),
        Invalid(
            settings=f"{_SECTION}:\n  quantization_sensitivity_threshold: «0.05»\n",
            graph=classifier,
            report={"layers": [entry for entry in _COMPLETE["layers"] if entry["name"] != "conv_2"]},
            messages=("a sensitivity threshold is set, but the report has no sensitivity of conv_2",),
            nodes=(("conv_2",),),
        ),
        Invalid(
            settings='{"global_quantization_settings": {"quantization_sensitivity_threshold": «5000», '
            '"quantization_sensitivity_measure": "absolute"}}\n',
            syntax="json",
            graph=classifier,
            report={"layers": [{"name": name, "qs": 0.01} for name in _NAMES]},
            messages=(
                "a sensitivity threshold is set, but the report has no absolute error of conv_1, conv_2, "
                "adaptive_avg_pool_1 and flatten_1",
            ),
            about="an older report",
        ),
        Invalid(
            settings=f"[{_SECTION}]\nquantization_sensitivity_threshold = 0.1\n",
            syntax="toml",
            graph=classifier,
            report={"layers": [{**entry, "qs": None} for entry in _COMPLETE["layers"]]},
            messages=(
                "a sensitivity threshold is set, but the report has no sensitivity of conv_1, conv_2,",
            ),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Look up every layer that could be above the threshold."""
        given = context.settings.global_quantization_settings
        is_used = given.automatic_skip_quantization and given.quantization_sensitivity_threshold is not None
        is_stale = context.raw_report is not None and not context.has_report  # CLK005 says so
        if not is_used or is_stale or not context.plan.quantized:
            return
        if not context.has_report:
            yield _finding(context, "there is no report with the sensitivity of any layer")
            return
        measure = given.quantization_sensitivity_measure
        missing = [
            layer.name
            for _, layer in quantized_heads(context)
            if (layer.abs_l2 if measure == "absolute" else layer.qs) is None
        ]
        if missing:
            what = "absolute error" if measure == "absolute" else "sensitivity"
            yield _finding(context, f"the report has no {what} of {listed(missing)}", tuple(missing))


def _finding(context: Context, problem: str, layers: tuple[str, ...] = ()) -> Finding:
    return Finding(
        f"a sensitivity threshold is set, but {problem}",
        context.places.value_span(_SECTION, "quantization_sensitivity_threshold"),
        nodes=layers,
        help="run `clika compress` or `clika sensitivity`, and name its report with --report",
    )
