"""What the other tools make of a case. Each is imported when asked for: they cannot all be installed together."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.post_training.cases import Arrays, Case
from benchmarks.post_training.coverage import coverage, steps_of_export, steps_of_nncf, steps_of_onnx
from benchmarks.post_training.quantized import Clock, Quantized, float_outputs, padded, tensors

SIMULATED, IN_ONNXRUNTIME = "simulated", "onnxruntime"


def onnxruntime(case: Case, method: str) -> Quantized:
    """`quantize_static` with QDQ, per channel, after its own pre-processing; `method` of its CalibrationMethod."""
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    clock = Clock()
    folder = Path(tempfile.mkdtemp())
    _export(case, folder / "float.onnx", clock)
    with clock.part("quantize"):
        quant_pre_process(folder / "float.onnx", folder / "ready.onnx")
        quantize_static(
            folder / "ready.onnx",
            folder / "int8.onnx",
            _reader(case),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod[method],
            extra_options={"CalibPercentile": 99.999} if method == "Percentile" else {},
        )
    return in_onnxruntime(folder / "int8.onnx", clock)


def nncf_onnx(case: Case, **options: Any) -> Quantized:
    """NNCF on the ONNX file."""
    import nncf
    import onnx

    clock = Clock()
    folder = Path(tempfile.mkdtemp())
    _export(case, folder / "float.onnx", clock)
    batches = case.batches(case.calibration)
    with clock.part("quantize"):
        found = nncf.quantize(
            onnx.load(folder / "float.onnx"),
            nncf.Dataset(batches),
            subset_size=len(batches),
            **_nncf(case, options),
        )
    onnx.save(found, folder / "int8.onnx")
    return in_onnxruntime(folder / "int8.onnx", clock)


def nncf_torch(case: Case, **options: Any) -> Quantized:
    """NNCF on the torch model; it captures the model while it quantizes."""
    import nncf
    from nncf.torch.function_hook.nncf_graph.nncf_graph_builder import build_nncf_graph

    clock = Clock()
    batches = [tuple(tensors(batch).values()) for batch in case.batches(case.calibration)]
    with clock.part("quantize"):
        found = nncf.quantize(
            copy.deepcopy(case.model),
            nncf.Dataset(batches, lambda batch: batch),
            subset_size=len(batches),
            **_nncf(case, options),
        )
    covered = coverage(steps_of_nncf(build_nncf_graph(found, batches[0])))
    return Quantized(lambda batch: float_outputs(found, batch), covered, clock, SIMULATED)


def nncf_min_max(case: Case) -> Quantized:
    """NNCF on the torch model, ranges being the least and the largest values, biases left alone."""
    from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    chosen = AdvancedQuantizationParameters(
        disable_bias_correction=True,
        activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX,
    )
    return nncf_torch(case, advanced_parameters=chosen)


def torchao_x86(case: Case, *, is_strict: bool = False) -> Quantized:
    """torchao's PT2E flow with its X86 quantizer.

    Its quantizer stops at an activation that is called twice, unless the export is strict.
    """
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
    from torchao.quantization.pt2e.quantizer.x86_inductor_quantizer import (
        X86InductorQuantizer,
        get_default_x86_inductor_quantization_config,
    )

    clock = Clock()
    batches = [tuple(tensors(batch).values()) for batch in case.batches(case.calibration)]
    with clock.part("capture"):
        exported = torch.export.export(case.model, batches[0], strict=is_strict).module()
    with clock.part("quantize"), torch.no_grad():
        quantizer = X86InductorQuantizer().set_global(get_default_x86_inductor_quantization_config())
        prepared = prepare_pt2e(exported, quantizer)
        for batch in batches:
            prepared(*batch)
        converted = convert_pt2e(prepared)

    def run(batch: Arrays) -> list[Any]:
        have, size = len(next(iter(batch.values()))), len(batches[0][0])
        return [output[:have] for output in float_outputs(converted, padded(batch, size))]

    return Quantized(run, coverage(steps_of_export(converted.graph)), clock, SIMULATED)


def torchao_x86_plain(case: Case) -> Quantized:
    """torchao on the same model without subclasses of Conv2d, which its quantizer passes over."""
    model = copy.deepcopy(case.model)
    _make_convolutions_plain(model)
    return torchao_x86(replace(case, model=model), is_strict=True)


def _make_convolutions_plain(parent: nn.Module) -> None:
    """Padding that a subclass of Conv2d does itself becomes a module in front of a Conv2d."""
    for name, child in parent.named_children():
        if not isinstance(child, nn.Conv2d):
            _make_convolutions_plain(child)
        elif type(child) is not nn.Conv2d:
            plain = nn.Conv2d(
                child.in_channels,
                child.out_channels,
                _pair(child.kernel_size),
                _pair(child.stride),
                child.padding if isinstance(child.padding, str) else _pair(child.padding),
                _pair(child.dilation),
                child.groups,
                child.bias is not None,
            )
            plain.load_state_dict({key: value for key, value in child.state_dict().items() if "." not in key})
            parent.add_module(name, nn.Sequential(*child.children(), plain).eval())


def _pair(sizes: Sequence[int]) -> tuple[int, int]:
    height, width = sizes
    return height, width


def _nncf(case: Case, options: Mapping[str, Any]) -> dict[str, Any]:
    import nncf

    is_transformer = case.agrees == "cosine"
    return {**({"model_type": nncf.ModelType.TRANSFORMER} if is_transformer else {}), **options}


def _export(case: Case, path: Path, clock: Clock) -> None:
    batch = tuple(tensors(case.batches(case.calibration)[0]).values())
    with clock.part("capture"):
        torch.onnx.export(
            case.model,
            batch,
            path,
            input_names=list(case.calibration),
            dynamic_shapes=tuple({0: torch.export.Dim.DYNAMIC} for _ in batch),
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def _reader(case: Case) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._batches = iter(case.batches(case.calibration))

        def get_next(self) -> Arrays | None:
            return next(self._batches, None)

    return Reader()


def in_onnxruntime(path: Path, clock: Clock) -> Quantized:
    """The file in onnxruntime, inputs in the order of their names."""
    import onnx
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = 1
    session = InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [read.name for read in session.get_inputs()]
    covered = coverage(steps_of_onnx(onnx.load(path).graph))
    return Quantized(
        lambda batch: session.run(None, dict(zip(names, batch.values(), strict=True))),
        covered,
        clock,
        IN_ONNXRUNTIME,
    )
