"""The product guide's two examples, as printed there, on a network with those layers."""

from __future__ import annotations

import clika_core as clika
from clika_core.planning.plan import Plan
from tests.backends.torch.conftest import traced_case


def planned(settings: clika.Settings) -> Plan:
    return clika.plan(traced_case("classifier")[1].graph, settings)


AFTER_THE_POOL = (
    "adaptive_avg_pool_1 flatten_1 linear_1 relu_2 linear_2 relu_3 linear_3 linear_4 linear_5"
).split()


def test_by_default_only_the_tail_is_skipped() -> None:
    from clika_compression import Settings

    plan = planned(Settings())  # Default settings
    assert plan.skipped == ("linear_5",)


def test_example_1_skips_everything_between_two_layers() -> None:
    from clika_compression import LayerQuantizationSettings, Settings

    settings = Settings()  # Default settings
    settings.set_quantization_settings_for_layer(
        "adaptive_avg_pool_1",
        LayerQuantizationSettings(skip_quantization=True, skip_quantization_until=["linear_5"]),
    )
    plan = planned(settings)
    assert list(plan.skipped) == AFTER_THE_POOL
    assert plan["dropout_1"].precision == "removed"
    for name in AFTER_THE_POOL[1:]:
        (cause,) = [cause for cause in plan[name].causes if cause.kind == "rule"]
        assert (cause.how, cause.selector, cause.of) == ("until", "adaptive_avg_pool_1", ("linear_5",))


def test_example_2_skips_everything_downstream() -> None:
    from clika_compression import LayerQuantizationSettings, Settings

    settings = Settings()  # Default settings
    settings.set_quantization_settings_for_layer(
        "adaptive_avg_pool_1",
        LayerQuantizationSettings(skip_quantization=True, skip_quantization_downstream=True),
    )
    plan = planned(settings)
    assert list(plan.skipped) == AFTER_THE_POOL
    assert [border.name for border in plan.borders] == ["x_quantized", "conv_2_dequantized"]
