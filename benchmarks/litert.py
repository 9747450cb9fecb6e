"""The demo's network in LiteRT: our file beside those of TensorFlow's converter and of ai-edge-quantizer.

    pip install ai-edge-quantizer; python -m benchmarks.litert -o benchmarks/results/litert.md --about "2 cores, idle"

Each tool calibrates on the same images, and every layer is int8, the last one included. Below it, what Keras' own
`quantize("int8")` makes of the same network. Latency is processor time of one image on one thread, the shortest of
all runs, the files taking turns.
"""

from __future__ import annotations

import datetime
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

for _variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(_variable, "1")  # before TensorFlow reads them

from clika_tensorflow.quiet_import import import_tensorflow  # noqa: E402

tf = import_tensorflow()

import numpy as np  # noqa: E402
from ai_edge_litert.interpreter import Interpreter  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

import clika_core as clika  # noqa: E402
from benchmarks.publishing import parser_of_page, publish  # noqa: E402
from clika_core.demo.data import load_images  # noqa: E402
from clika_core.pipeline import deployment  # noqa: E402
from clika_core.pipeline.data import Batches  # noqa: E402
from clika_core.pipeline.quantization import quantize_traced  # noqa: E402
from clika_core.targets.tflite import TFLITE  # noqa: E402
from clika_tensorflow.demo_network import demo_network  # noqa: E402

Array = NDArray[Any]


class File:
    """A `.tflite` file in LiteRT on one thread, which may take and give codes."""

    def __init__(self, content: bytes) -> None:
        self.num_bytes = len(content)
        self._interpreter = Interpreter(model_content=content, num_threads=1)
        (given,) = self._interpreter.get_input_details()
        self._interpreter.resize_tensor_input(given["index"], [1, 28, 28, 1])
        self._interpreter.allocate_tensors()
        (self._given,) = self._interpreter.get_input_details()
        (self._found,) = self._interpreter.get_output_details()

    def __call__(self, image: Array) -> Array:
        """Logits [1, 10] of one image."""
        self._interpreter.set_tensor(self._given["index"], _coded(image, self._given))
        self._interpreter.invoke()
        return _real(self._interpreter.get_tensor(self._found["index"]), self._found)

    def logits(self, images: Array) -> Array:
        """Of all images, one after the other."""
        return np.concatenate([self(image[None]) for image in images])


def _coded(image: Array, detail: Mapping[str, Any]) -> Array:
    scale, zero = detail["quantization"]
    if not scale:
        return image
    codes: Array = np.clip(np.rint(image / scale) + zero, -128, 127).astype(detail["dtype"])
    return codes


def _real(codes: Array, detail: Mapping[str, Any]) -> Array:
    scale, zero = detail["quantization"]
    return (codes.astype(np.float32) - zero) * np.float32(scale) if scale else np.array(codes)


def ours(network: Any, images: Array) -> bytes:
    """From our plan and ranges."""
    settings = clika.Settings()
    settings.global_quantization_settings.skip_tail_quantization = False
    batches = Batches([(batch,) for batch in np.split(images, 10)])
    found = quantize_traced(clika.trace(network, images[:2]), settings, TFLITE, batches, lambda _: None)
    deployed = deployment.deploy(found)
    return _content(deployed.quantized)


def ours_float(network: Any, images: Array) -> bytes:
    """The same writer in float32."""
    batches = Batches([(images[:20],)])
    traced = clika.trace(network, images[:2])
    found = quantize_traced(traced, clika.Settings(), TFLITE, batches, lambda _: None)
    return _content(deployment.deploy(found).floating)


def _content(file: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        file.save(path)
        return path.read_bytes()


def _converted(network: Any, calibration: Array | None = None) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        signature = [tf.TensorSpec([1, 28, 28, 1], tf.float32)]
        network.export(folder, verbose=False, input_signature=signature)
        made = tf.lite.TFLiteConverter.from_saved_model(folder)
        if calibration is not None:
            made.optimizations = [tf.lite.Optimize.DEFAULT]
            made.representative_dataset = lambda: ([image[None]] for image in calibration)
            made.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        content: bytes = made.convert()
        return content


def converter_float(network: Any, _: Array) -> bytes:
    """TensorFlow's converter in float32."""
    return _converted(network)


def converter(network: Any, images: Array) -> bytes:
    """TensorFlow's converter with its calibration, int8 alone."""
    return _converted(network, images)


def edge_quantizer(network: Any, images: Array) -> bytes:
    """ai-edge-quantizer with its recipe for int8 weights and activations, over the converter's float file."""
    from ai_edge_quantizer import quantizer, recipe

    made = quantizer.Quantizer(bytearray(converter_float(network, images)))
    made.load_quantization_recipe(recipe.static_wi8_ai8())
    name, (argument,) = _signature(converter_float(network, images))
    data = {name: [{argument: image[None]} for image in images]}
    return bytes(made.quantize(made.calibrate(data)).quantized_model)


def _signature(content: bytes) -> tuple[str, list[str]]:
    ((name, parts),) = Interpreter(model_content=content).get_signature_list().items()
    return name, parts["inputs"]


TOOLS: dict[str, Callable[[Any, Array], bytes]] = {
    "ours, float": ours_float,
    "TensorFlow's converter, float": converter_float,
    "ours": ours,
    "TensorFlow's converter": converter,
    "ai-edge-quantizer": edge_quantizer,
}


@dataclass(frozen=True)
class Row:
    """What one file does with the test images."""

    name: str
    accuracy: float
    agreement: float
    distance: float
    num_bytes: int
    milliseconds: float
    quantize_seconds: float


def rows(runs: int) -> Iterator[Row]:
    """One for each tool."""
    data, network = load_images(), demo_network()
    calibration, test = (part.images.transpose(0, 2, 3, 1) for part in (data.calibration, data.test))
    reference = np.asarray(network.predict(test, verbose=0))
    files, seconds = {}, {}
    for name, make in TOOLS.items():
        started = time.process_time()
        files[name] = File(make(network, calibration[:200]))
        seconds[name] = time.process_time() - started
    latency = _latency(files, test[:1], runs)
    for name, file in files.items():
        logits = file.logits(test)
        yield Row(
            name,
            float(np.mean(logits.argmax(1) == data.test.labels)),
            float(np.mean(logits.argmax(1) == reference.argmax(1))),
            float(np.linalg.norm(logits - reference) / np.linalg.norm(reference)),
            file.num_bytes,
            1e3 * latency[name],
            seconds[name],
        )


def _latency(files: Mapping[str, Callable[[Array], Array]], image: Array, runs: int) -> dict[str, float]:
    best = dict.fromkeys(files, float("inf"))
    for _ in range(runs):
        for name, file in files.items():
            started = time.process_time()
            for _ in range(10):
                file(image)
            best[name] = min(best[name], (time.process_time() - started) / 10)
    return best


def of_keras() -> dict[str, Any]:
    """What `quantize("int8")` does with the network."""
    data, network = load_images(), demo_network()
    test = data.test.images.transpose(0, 2, 3, 1)
    reference = np.asarray(network.predict(test, verbose=0))
    layers = [layer for layer in network._flatten_layers() if layer.weights and not layer._layers]
    weighted = [layer for layer in layers if hasattr(layer, "kernel") or hasattr(layer, "_kernel")]
    before = sum(variable.numpy().nbytes for variable in network.variables)
    network.quantize("int8")
    quantized = [layer for layer in weighted if getattr(layer, "quantization_mode", None)]
    logits = np.asarray(network.predict(test, verbose=0))
    return {
        "weighted": len(weighted),
        "quantized": len(quantized),
        "accuracy": float(np.mean(logits.argmax(1) == data.test.labels)),
        "distance": float(np.linalg.norm(logits - reference) / np.linalg.norm(reference)),
        "before": before,
        "after": sum(variable.numpy().nbytes for variable in network.variables),
    }


def page(found: Sequence[Row], keras_row: Mapping[str, Any], about: str) -> str:
    """The tables."""
    names = ("tensorflow-cpu", "keras", "ai-edge-litert", "ai-edge-quantizer")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    lines = [
        "# int8 in LiteRT",
        "",
        "The demo's network, 16 weighted layers, every layer int8, calibrated on the same 200 images; 1,000 test "
        "images.",
        f"{datetime.date.today()}, {versions}. {about}",
        "",
        "| file | accuracy | same class as float | relative L2 of logits | bytes | ms per image | s to make |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {row.name} | {row.accuracy:.2%} | {row.agreement:.2%} | {row.distance:.4f} | {row.num_bytes:,} "
            f"| {row.milliseconds:.3f} | {row.quantize_seconds:.1f} |"
            for row in found
        ),
        "",
        '## Keras\' own quantize("int8")',
        "",
        "| | weighted layers quantized | accuracy | relative L2 of logits | bytes of variables |",
        "|---|---|---|---|---|",
        f'| quantize("int8") | {keras_row["quantized"]} of {keras_row["weighted"]} | {keras_row["accuracy"]:.2%} '
        f"| {keras_row['distance']:.4f} | {keras_row['before']:,} before, {keras_row['after']:,} after |",
        f"| ours | {keras_row['weighted']} of {keras_row['weighted']} | {found[2].accuracy:.2%} "
        f"| {found[2].distance:.4f} | {found[2].num_bytes:,}, the whole file |",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = parser_of_page(__doc__)
    parser.add_argument("--runs", type=int, default=40)
    options = parser.parse_args()
    text = page(list(rows(options.runs)), of_keras(), options.about)
    publish(text, options.output)


if __name__ == "__main__":
    main()
