"""What each tool makes of a case: a function from calibrated model to outputs, and how many layers it quantized."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.post_training.models import Arrays, Case

Outputs = list[NDArray[Any]]


@dataclass(frozen=True)
class Quantized:
    """`run` takes a batch; `layers` are (convolutions and products in int8, all of them)."""

    run: Callable[[Arrays], Outputs]
    layers: tuple[int, int]


def float_outputs(model: torch.nn.Module, batch: Arrays) -> Outputs:
    """What the torch model gives for a batch."""
    with torch.no_grad():
        found = model(*[torch.from_numpy(array) for array in batch.values()])
    return [value.numpy() for value in (found if isinstance(found, tuple) else (found,))]


def ours(case: Case, **settings: Any) -> Quantized:
    """This project's default: deployed and run in onnxruntime, tails quantized too."""
    import clika_core
    from clika_core.pipeline import deployment
    from clika_core.pipeline.data import Batches
    from clika_core.pipeline.improving import improved
    from clika_core.pipeline.quantization import quantize_traced
    from clika_core.plugins.registry import find_target

    chosen = clika_core.Settings()
    chosen.global_quantization_settings.skip_tail_quantization = False
    for name, value in settings.items():
        setattr(chosen.global_quantization_settings, name, value)
    batches = [_tensors(batch) for batch in case.batches(case.calibration)]
    with torch.no_grad():
        traced = clika_core.trace(case.model, batches[0])
        found = quantize_traced(traced, chosen, find_target("ort"), Batches(batches))
        found = improved(found, chosen, Batches(batches))
    run = deployment.deploy(found).quantized.runner()
    weighted = [node.name for node in traced.graph.layers if node.type in ("conv", "linear", "matmul")]
    taken = sum(found.plan[name].precision == "quantized" for name in weighted)
    return Quantized(lambda batch: list(run(list(batch.values()))), (taken, len(weighted)))


def onnxruntime(case: Case, method: str) -> Quantized:
    """`quantize_static` with QDQ, per channel, after its own pre-processing; `method` of its CalibrationMethod."""
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    folder = Path(tempfile.mkdtemp())
    _export(case, folder / "float.onnx")
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
    return _onnx(folder / "int8.onnx")


def nncf_onnx(case: Case, **options: Any) -> Quantized:
    """NNCF on the ONNX file."""
    import nncf
    import onnx

    folder = Path(tempfile.mkdtemp())
    _export(case, folder / "float.onnx")
    batches = case.batches(case.calibration)
    found = nncf.quantize(
        onnx.load(folder / "float.onnx"),
        nncf.Dataset(batches),
        subset_size=len(batches),
        **_nncf(case, options),
    )
    onnx.save(found, folder / "int8.onnx")
    return _onnx(folder / "int8.onnx")


def nncf_torch(case: Case, **options: Any) -> Quantized:
    """NNCF on the torch model, simulated."""
    import nncf

    batches = [tuple(_tensors(batch).values()) for batch in case.batches(case.calibration)]
    found = nncf.quantize(
        case.model,
        nncf.Dataset(batches, lambda batch: batch),
        subset_size=len(batches),
        **_nncf(case, options),
    )
    kinds = (torch.nn.Conv2d, torch.nn.Linear)
    total = sum(isinstance(module, kinds) for module in case.model.modules())
    return Quantized(lambda batch: float_outputs(found, batch), (-1, total))


def torchao_x86(case: Case) -> Quantized:
    """torchao's PT2E flow with its X86 quantizer, simulated."""
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
    from torchao.quantization.pt2e.quantizer.x86_inductor_quantizer import (
        X86InductorQuantizer,
        get_default_x86_inductor_quantization_config,
    )

    batches = [tuple(_tensors(batch).values()) for batch in case.batches(case.calibration)]
    exported = torch.export.export(case.model, batches[0]).module()
    quantizer = X86InductorQuantizer().set_global(get_default_x86_inductor_quantization_config())
    prepared = prepare_pt2e(exported, quantizer)
    with torch.no_grad():
        for batch in batches:
            prepared(*batch)
    converted = convert_pt2e(prepared)
    nodes = [node for node in converted.graph.nodes if node.op == "call_function"]
    weighted = [node for node in nodes if str(node.target).split(".")[1:2] in (["conv2d"], ["linear"])]
    taken = sum("dequantize" in str(node.args[1].target) for node in weighted)
    return Quantized(lambda batch: _padded(converted, batch, len(batches[0][0])), (taken, len(weighted)))


TOOLS: Mapping[str, Callable[[Case], Quantized]] = {
    "clika": ours,
    "onnxruntime min-max": lambda case: onnxruntime(case, "MinMax"),
    "onnxruntime percentile": lambda case: onnxruntime(case, "Percentile"),
    "NNCF": nncf_torch,
    "NNCF on ONNX": nncf_onnx,
    "torchao X86": torchao_x86,
}


def _nncf(case: Case, options: Mapping[str, Any]) -> dict[str, Any]:
    import nncf

    is_transformer = case.agrees == "cosine"
    return {**({"model_type": nncf.ModelType.TRANSFORMER} if is_transformer else {}), **options}


def _tensors(batch: Arrays) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in batch.items()}


def _padded(model: Any, batch: Arrays, size: int) -> Outputs:
    """The outputs of a model of one batch size: the last batch is filled up and cut again."""
    have = len(next(iter(batch.values())))
    full = {name: np.concatenate([a, np.repeat(a[-1:], size - have, axis=0)]) for name, a in batch.items()}
    return [output[:have] for output in float_outputs(model, full)]


def _export(case: Case, path: Path) -> None:
    batch = tuple(_tensors(case.batches(case.calibration)[0]).values())
    torch.onnx.export(
        case.model,
        batch,
        path,
        input_names=list(case.calibration),
        dynamic_shapes=tuple({0: torch.export.Dim.DYNAMIC} for _ in batch),
        dynamo=True,
        external_data=False,
    )


def _reader(case: Case) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._batches = iter(case.batches(case.calibration))

        def get_next(self) -> Arrays | None:
            return next(self._batches, None)

    return Reader()


def _onnx(path: Path) -> Quantized:
    """The file in onnxruntime; a layer counts as quantized where its first two operands are dequantized."""
    import onnx
    from onnxruntime import InferenceSession, SessionOptions

    graph = onnx.load(path).graph
    dequantized = {name for node in graph.node if node.op_type == "DequantizeLinear" for name in node.output}
    weighted = [node for node in graph.node if node.op_type in ("Conv", "Gemm", "MatMul")]
    taken = sum(all(name in dequantized for name in node.input[:2]) for node in weighted)
    options = SessionOptions()
    options.intra_op_num_threads = 1
    session = InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return Quantized(lambda batch: session.run(None, dict(batch)), (taken, len(weighted)))
