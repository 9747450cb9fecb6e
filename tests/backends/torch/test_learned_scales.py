"""Learned scales and distillation: the same numbers forward, the gradients that the papers say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from clika_core.errors import SettingsError
from clika_core.numerics import QuantParams
from clika_core.numerics.gradients import scale_gradient
from clika_core.numerics.native_params import NativeParams
from clika_core.pipeline.data import Batches
from clika_core.pipeline.learned_scales import learned_scales
from clika_core.pipeline.quantization import quantize_traced
from clika_core.pipeline.saved_state import SavedState
from clika_core.plugins.registry import find_target
from clika_core.schemes import PerChannel, PerTensor
from clika_core.schemes.formats import IntegerFormat
from clika_core.settings.model import Settings
from clika_core.simulation.learning import quantized as with_learned
from clika_core.simulation.points import PROBABILITIES
from clika_core.training.program import QuantizedProgram
from clika_torch.arrays import TorchArrays
from clika_torch.tracing import trace
from tests.backends.torch.conftest import traced_case
from tests.backends.torch.models import CASES
from tests.backends.torch.test_fine_tuning import compress, resume
from tests.backends.training import low_bits, settings, summary

ARRAYS = TorchArrays()


def learning(**training: Any) -> Settings:
    """Few bits, with learned scales."""
    return low_bits(learn_scales=True, **training)


def quantized(name: str) -> tuple[Any, Any]:
    """A network at 8 bits, and its simulation with learned scales."""
    case, (_, traced) = CASES[name], traced_case(name)
    target = find_target("ort")
    made = Settings()
    made.training_settings.learn_scales = True
    found = quantize_traced(traced, made, target, Batches([case.inputs(2), case.inputs(2)]))
    learned = learned_scales(made, found.model, found.plan, found.simulation, target, found.parameters)
    return found, learned


@pytest.mark.parametrize("name", ["classifier", "residual", "encoder", "unet", "self_attention"])
def test_learned_scales_compute_what_fixed_ones_do(name: str) -> None:
    found, learned = quantized(name)
    assert learned.activations
    fixed = found.model.native(found.simulation.run)
    program = QuantizedProgram(found.simulation, learned)
    native = found.model.native(program, learned.initial)
    arrays = found.model.flatten_inputs(CASES[name].inputs(3))
    expected = found.simulation.run(fixed.traced(), arrays)
    outputs = program(native.traced(), arrays)
    assert all(torch.equal(one, other) for one, other in zip(outputs, expected, strict=True))
    sum(output.float().square().sum() for output in outputs if output.is_floating_point()).backward()
    reached = [
        scale for scale in native.learned().values() if scale.grad is not None and scale.grad.abs().sum() > 0
    ]
    assert len(reached) > len(native.learned()) / 2


def test_gradients_reach_every_scale_of_attention() -> None:
    """Those of its result, of queries, keys and values, and of the probabilities that nobody reads."""
    found, learned = quantized("self_attention")
    (layer,) = (node for node in found.model.graph.layers if node.type == "attention")
    keys = [port.key for port in layer.inputs if port.role != "mask"]
    names = {learned.activations[key] for key in (*keys, (layer.name, 0), (layer.name, PROBABILITIES))}
    native = found.model.native(QuantizedProgram(found.simulation, learned), learned.initial)
    native(*CASES["self_attention"].inputs(3)).square().sum().backward()
    gradients = {name: native.traced().learned[name].grad for name in names}
    assert len(gradients) == 3, "queries, keys and values are parts of one value"
    assert all(found is not None and torch.isfinite(found) and found != 0 for found in gradients.values())


@pytest.mark.parametrize("granularity", [PerTensor(), PerChannel(0)])
def test_the_gradient_to_a_scale_is_that_of_the_paper(granularity: PerTensor | PerChannel) -> None:
    draws = np.random.default_rng(0)
    values = draws.normal(size=(3, 40)).astype(np.float32)
    upstream = draws.normal(size=(3, 40)).astype(np.float32)
    shape = (3,) if isinstance(granularity, PerChannel) else ()
    scale = np.full(shape, 0.3, np.float32) * (
        1 + np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape) / 8
    )
    params = QuantParams(
        scale.astype(np.float32), np.zeros(shape, np.int32), IntegerFormat(4, is_signed=True), granularity
    )
    elements = 40 if shape else 120
    native = torch.tensor(params.scale, requires_grad=True)
    factor = 1 / np.sqrt(elements * float(params.format.quant_max))
    own: Any = NativeParams(
        native.detach(), params.zero_point, params.format, granularity, native, float(factor)
    )
    real = ARRAYS.dequantize(with_learned(torch.tensor(values), own, ARRAYS), own)
    real.backward(torch.tensor(upstream))  # type: ignore[no-untyped-call]
    assert native.grad is not None
    np.testing.assert_allclose(
        native.grad.numpy(), scale_gradient(values, upstream, params), rtol=1e-5, atol=1e-6
    )


def test_the_gradients_of_a_network_are_those_of_straight_through_rounding() -> None:
    """What torch's own automatic differentiation gives through fake quantization, written down again here."""
    layers = [nn.Conv2d(2, 6, 3, bias=False), nn.ReLU(), nn.Conv2d(6, 5, 3, bias=False), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(80, 3)).eval()
    images = torch.randn(8, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    target, made = find_target("ort").with_simulated_bits(), low_bits(learn_scales=True)
    found = quantize_traced(trace(model, images[:2]), made, target, Batches([images]))
    learned = learned_scales(made, found.model, found.plan, found.simulation, target, found.parameters)
    assert learned is not None
    native: Any = found.model.native(QuantizedProgram(found.simulation, learned), learned.initial)  # type: ignore[call-arg]
    native(images).square().sum().backward()

    scales = {name: torch.tensor(scale, requires_grad=True) for name, scale in learned.initial.items()}
    parameters = learned.parameters

    def rounded(values: Tensor, name: str, params: QuantParams) -> Tensor:
        scale = scales[name].reshape([-1, 1, 1, 1] if params.scale.ndim else [])
        zero = float(np.max(params.zero_point))
        ratio = values / scale
        codes = ratio + (ratio.round() - ratio).detach()
        return codes.clamp(params.format.quant_min - zero, params.format.quant_max - zero) * scale

    def activation(values: Tensor, layer: str) -> Tensor:
        return rounded(values, learned.activations[layer, 0], parameters.activations[layer, 0])

    values = activation(images, learned.simulation.wiring.graph.inputs[0].name)
    for name, layer in (("conv_1", "relu_1"), ("conv_2", "relu_2")):  # relu is the clip at the code of zero
        weight = torch.tensor(found.model.parameters(name)["weight"])
        weight = rounded(weight, f"weight.{name}.weight", parameters.weights[name, "weight"])
        values = activation(nn.functional.conv2d(values, weight), layer)
    last = {role: torch.tensor(array) for role, array in found.model.parameters("linear_1").items()}
    outputs = nn.functional.linear(values.flatten(1), last["weight"], last["bias"])
    torch.testing.assert_close(native(images), outputs)
    outputs.square().sum().backward()  # type: ignore[no-untyped-call]
    assert len(scales) == 5
    for name, scale in native.learned().items():
        expected: Any = scales[name].grad
        torch.testing.assert_close(scale.grad, expected * learned.factors[name], rtol=1e-4, atol=0)


def test_divergence_and_relative_error_are_those_that_everyone_knows() -> None:
    draws = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(5, 7, generator=draws), torch.randn(5, 7, generator=draws)
    expected = 9 * nn.functional.kl_div(
        torch.log_softmax(student / 3, -1), torch.softmax(teacher / 3, -1), reduction="batchmean"
    )
    assert torch.allclose(ARRAYS.divergence(student, teacher, 3.0), expected, rtol=1e-5)
    relative = (torch.linalg.vector_norm(student - teacher) / torch.linalg.vector_norm(teacher)) ** 2
    assert torch.allclose(ARRAYS.relative_error(student, teacher), relative)
    assert float(ARRAYS.divergence(student, student, 1.0)) == pytest.approx(0, abs=1e-6)


def test_a_bound_of_a_fused_activation_moves_with_the_scale() -> None:
    """relu6 of a large input is 6, whatever the scale has become."""
    model = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.ReLU6()).eval()
    nn.init.ones_(model[0].weight)  # type: ignore[arg-type]
    traced = trace(model, torch.ones(2, 1, 4, 4))
    made = Settings()
    made.training_settings.learn_scales = True
    made.global_quantization_settings.skip_tail_quantization = False
    target = find_target("ort")
    found = quantize_traced(traced, made, target, Batches([torch.linspace(0, 9, 32).reshape(2, 1, 4, 4)]))
    learned = learned_scales(made, found.model, found.plan, found.simulation, target, found.parameters)
    assert learned is not None
    program = QuantizedProgram(found.simulation, learned)
    native: Any = found.model.native(program, learned.initial)  # type: ignore[call-arg]
    with torch.no_grad():
        for name, scale in native.learned().items():
            if name.startswith("activation.relu6"):
                scale.mul_(1.5)
        assert float(native(torch.full((1, 1, 4, 4), 9.0)).max()) == pytest.approx(6, abs=0.03)


@pytest.mark.parametrize("kind", ["outputs", "layers"])
def test_a_resumed_training_of_scales_ends_in_the_same_bytes(kind: str, tmp_path: Path) -> None:
    last = compress(tmp_path / "outputs", learning(distillation=kind))
    expected = last.read_bytes()
    last.unlink()
    assert resume(last.parent.parent / "epoch_1" / "model.pompom").read_bytes() == expected
    names = {"ce", "total", "distillation_outputs"} | ({"distillation_layers"} if kind == "layers" else set())
    assert set(summary(last)["training"]) == names
    first = SavedState.load(last.parent.parent / "epoch_0" / "model.pompom").parameters
    learned = SavedState.load(last).parameters
    assert learned.activations["relu_1", 0].scale != first.activations["relu_1", 0].scale
    assert (learned.weights["conv_2", "weight"].scale != first.weights["conv_2", "weight"].scale).any()
    assert (learned.activations["relu_1", 0].zero_point == first.activations["relu_1", 0].zero_point).all()


def test_without_a_loss_the_float_model_is_the_teacher(tmp_path: Path) -> None:
    path = compress(
        tmp_path / "outputs",
        learning(num_epochs=4, learning_rate=5e-3),
        training_losses=None,
        evaluation_losses={"ce": nn.functional.cross_entropy},
    )
    assert set(summary(path)["training"]) == {"distillation_outputs", "total"}
    first = summary(path.parent.parent / "epoch_0" / "x")["evaluation"]["ce"]["value"]
    assert summary(path)["evaluation"]["ce"]["value"] < first


def test_training_ends_when_nothing_gets_better(tmp_path: Path) -> None:
    made = settings(num_epochs=9, early_stop_epochs=2, learning_rate=1e-3)

    def worse(outputs: Tensor, _: Tensor) -> Tensor:
        return outputs.mean() * 0 + worse.calls  # type: ignore[attr-defined,no-any-return]

    worse.calls = 0  # type: ignore[attr-defined]

    def counted(outputs: Tensor, targets: Tensor) -> Tensor:
        worse.calls += 1  # type: ignore[attr-defined]
        return worse(outputs, targets)

    path = compress(tmp_path / "outputs", made, evaluation_losses={"worse": counted})
    assert path.parent.name == "epoch_2"
    assert (tmp_path / "outputs" / "best").read_text(encoding="utf-8") == "epoch_0\n"


def test_a_backend_without_learned_scales_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(TorchArrays, "learned_codes")
    with pytest.raises(SettingsError, match="does not honour training_settings"):
        compress(tmp_path / "learned", learning())
    with pytest.raises(SettingsError, match="does not honour training_settings"):
        compress(tmp_path / "distilled", settings(distillation="outputs"))
