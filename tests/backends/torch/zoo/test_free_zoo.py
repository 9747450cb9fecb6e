"""Architectures whose lengths and image sizes are left free: at night, every one at three sizes that no trace saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from clika_core.deployment.onnx_model import float_onnx
from clika_core.errors import OutputError, TraceError
from clika_core.pipeline import deployment
from clika_core.pipeline.data import Batches
from clika_core.pipeline.quantization import quantize_traced
from clika_core.settings.model import Settings
from clika_core.targets.ort import ORT
from clika_torch.tracing import trace
from tests.backends.torch.zoo.catalogue import ZOO
from tests.backends.zoo.installed import has_packages

NUM_SIZES = 3


class Freed(NamedTuple):
    """Which axes of which inputs are free, and by what they grow from one size to the next."""

    axes: Mapping[str | int, Sequence[int]]
    step: int


TEXT = Freed({"input_ids": [1], "attention_mask": [1]}, 3)
IDS = Freed({"input_ids": [1]}, 3)
PAIR = Freed({"input_ids": [1], "attention_mask": [1], "decoder_input_ids": [1]}, 3)
IMAGE = Freed({0: [2, 3]}, 32)

OWN = {
    "lstm_tagger": Freed({0: [1]}, 4),
    "gru_tagger": Freed({0: [1]}, 4),
    "audio_cnn": Freed({0: [2]}, 333),
    "temporal_cnn": Freed({0: [2]}, 5),
    "super_resolution": Freed({0: [2, 3]}, 5),
    "unet": IMAGE,
}
OTHERS = {
    **dict.fromkeys(
        ("bert", "bert_classifier", "roberta", "distilbert", "electra", "albert", "t5_encoder"), TEXT
    ),
    **dict.fromkeys(("gpt2", "llama", "mistral", "qwen2", "phi", "opt"), IDS),
    **dict.fromkeys(("t5", "bart"), PAIR),
    "whisper": Freed({"decoder_input_ids": [1]}, 2),
    "wav2vec2": Freed({0: [1]}, 160),
    **dict.fromkeys(
        ("fcn_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large", "segformer"), IMAGE
    ),
}
CASES = {**OWN, **(OTHERS if has_packages(ZOO) else {})}


def grown(inputs: Any, freed: Freed, count: int, steps: int) -> Any:
    """Inputs like those of the example, of `count` samples, the free axes longer by `steps` steps."""
    source = torch.Generator().manual_seed(steps)
    named = inputs if isinstance(inputs, dict) else dict(enumerate(inputs))
    found = {}
    for name, array in named.items():
        shape = [count, *array.shape[1:]]
        for axis in freed.axes.get(name, ()):
            shape[axis] += freed.step * steps
        if array.is_floating_point():
            found[name] = torch.randn(shape, generator=source)
        elif name == "attention_mask":
            found[name] = torch.ones(shape, dtype=array.dtype)
        else:
            found[name] = torch.randint(3, 50, shape, generator=source)
    return found if isinstance(inputs, dict) else tuple(found.values())


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_it_goes_all_the_way_at_every_size(name: str) -> None:
    entry = next(entry for entry in ZOO.entries() if entry.name == name)
    model, example, freed = ZOO.model(entry), entry.inputs(2), CASES[name]
    traced = trace(model, example, dynamic_axes=freed.axes)
    others = [grown(example, freed, count, count) for count in range(1, NUM_SIZES + 1)]
    for inputs in (example, *others):
        with torch.no_grad():
            expected = model(**inputs) if isinstance(inputs, dict) else model(*inputs)
        for ours, theirs in zip(ZOO.leaves(traced.run(inputs)), ZOO.leaves(expected), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    data = Batches([grown(example, freed, 4, steps) for steps in (0, 1, 2)])
    quantized = quantize_traced(traced, Settings(), ORT, data)
    shipped = deployment.deploy(quantized).quantized
    batches = [[np.asarray(array) for array in traced.flatten_inputs(inputs)] for inputs in others]
    simulated, deployed = (
        deployment.run_simulation(quantized, batches),
        deployment.run_deployed(shipped, batches),
    )
    for wanted, found in zip(simulated, deployed, strict=True):
        assert [array.shape for array in found] == [array.shape for array in wanted]
        assert deployment.relative_distance([found], [wanted]) < 0.01


UNWRITTEN = {"yolo": r"aten\.meshgrid"}
"""Models that are traced with free sizes and run, but hold an operator over sizes that no file has."""


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", UNWRITTEN)
def test_an_operator_over_sizes_that_no_file_has_is_named(name: str) -> None:
    entry = next(entry for entry in ZOO.entries() if entry.name == name)
    traced = trace(ZOO.model(entry), entry.inputs(2), dynamic_axes=IMAGE.axes)
    with pytest.raises(OutputError, match=UNWRITTEN[name]):
        float_onnx(traced)


REFUSED = {"vit": IMAGE, "mlp": Freed({0: [1]}, 1)}


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(
    not has_packages(ZOO), reason="timm, torchvision and transformers come with `tox -e models`"
)
@pytest.mark.parametrize("name", REFUSED)
def test_a_size_that_the_model_fixes_is_refused_with_its_line(name: str) -> None:
    entry = next(entry for entry in ZOO.entries() if entry.name == name)
    with pytest.raises(TraceError, match="the model fixes a size that was to be free") as raised:
        trace(ZOO.model(entry), entry.inputs(2), dynamic_axes=REFUSED[name].axes)
    assert raised.value.location is not None
