"""The table from native operators to neutral words: every entry is sound, and many are tried on a real trace."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from clika_core.ir.graph import Node
from clika_core.ir.operators import OPERATORS
from clika_torch.operators import NATIVE
from clika_torch.tracing import trace

F = functional
RECURRENT = {"weights*"}  # named one by one in the vocabulary


@pytest.mark.parametrize("name", NATIVE)
def test_every_entry_names_an_operator_its_arguments_and_a_word_of_the_vocabulary(name: str) -> None:
    _, operator, *overload = name.split(".")
    packet = getattr(torch.ops.aten, operator)
    schemas = [getattr(packet, each)._schema for each in overload or packet.overloads()]
    mapping = NATIVE[name]
    wanted = {argument for _, argument in mapping.operands}
    assert any(wanted <= {argument.name for argument in schema.arguments} for schema in schemas)
    if isinstance(mapping.type, str):
        word = OPERATORS[mapping.type]
        assert {role for role, _ in mapping.operands} <= {*word.operands, *RECURRENT, *word.attributes}


Spelling = Callable[..., Tensor]  # of x, or of x and y: both float32 [2, 4, 6, 6]

CASES: dict[str, tuple[Spelling, str, Mapping[str, Any]]] = {
    "add of a multiple": (lambda x, y: torch.add(x, y, alpha=2), "add", {"alpha": 2}),
    "add of a number": (lambda x: x + 3, "add", {"other": 3}),
    "number minus x": (lambda x: 1 - x, "sub", {"input": 1}),
    "number over x": (lambda x: 2 / x, "mul", {"other": 2}),
    "floor division": (lambda x, y: torch.div(x, y, rounding_mode="floor"), "floor_divide", {}),
    "power": (lambda x: x**3, "pow", {"other": 3}),
    "comparison": (lambda x: x > 0, "gt", {"other": 0}),
    "mean of all": (lambda x: x.mean(), "mean", {"axes": (0, 1, 2, 3), "keep_dims": False}),
    "mean over space": (
        lambda x: x.mean((-1, -2), keepdim=True),
        "mean",
        {"axes": (2, 3), "keep_dims": True},
    ),
    "variance": (
        lambda x: x.var(-1, unbiased=False),
        "var",
        {"axes": (3,), "keep_dims": False, "correction": 0},
    ),
    "maximum of two": (lambda x, y: torch.max(x, y), "maximum", {}),
    "maximum along": (lambda x: x.amax(1), "reduce_max", {"axes": (1,), "keep_dims": False}),
    "norm": (
        lambda x: torch.linalg.vector_norm(x, dim=1),
        "norm",
        {"axes": (1,), "keep_dims": False, "order": 2},
    ),
    "cast": (lambda x: x.to(torch.float64), "cast", {"dtype": "float64"}),
    "clamp": (lambda x: x.clamp(-1, 2), "clamp", {"min": -1, "max": 2}),
    "clamp below": (lambda x: x.clamp(min=0.5), "clamp", {"min": 0.5}),
    "relu6": (lambda x: F.relu6(x), "relu6", {}),
    "hardtanh": (lambda x: F.hardtanh(x), "clamp", {"min": -1.0, "max": 1.0}),
    "softmax": (lambda x: x.softmax(-1), "softmax", {"axis": 3}),
    "log softmax": (lambda x: F.log_softmax(x, 1), "log_softmax", {"axis": 1}),
    "gelu": (lambda x: F.gelu(x, approximate="tanh"), "gelu", {"approximate": "tanh"}),
    "leaky relu": (lambda x: F.leaky_relu(x, 0.2), "leaky_relu", {"negative_slope": 0.2}),
    "elu": (lambda x: F.elu(x, 0.5), "elu", {"alpha": 0.5, "scale": 1, "input_scale": 1}),
    "glu": (lambda x: F.glu(x, -3), "glu", {"axis": 1}),
    "hard swish": (lambda x: F.hardswish(x), "hard_swish", {}),
    "hard sigmoid": (lambda x: F.hardsigmoid(x), "hard_sigmoid", {}),
    "max pool": (
        lambda x: F.max_pool2d(x, 3, 2, padding=1),
        "max_pool",
        {
            "kernel_size": (3, 3),
            "strides": (2, 2),
            "padding": ((1, 1), (1, 1)),
            "dilations": (1, 1),
            "ceil_mode": False,
        },
    ),
    "max pool with indices": (
        lambda x: F.max_pool2d_with_indices(x, (2, 2))[0],
        "max_pool",
        {
            "kernel_size": (2, 2),
            "strides": (2, 2),
            "padding": ((0, 0), (0, 0)),
            "dilations": (1, 1),
            "ceil_mode": False,
        },
    ),
    "average pool": (
        lambda x: F.avg_pool2d(x, 2),
        "avg_pool",
        {
            "kernel_size": (2, 2),
            "strides": (2, 2),
            "padding": ((0, 0), (0, 0)),
            "ceil_mode": False,
            "count_include_pad": True,
        },
    ),
    "adaptive pool": (
        lambda x: F.adaptive_avg_pool2d(x, (2, None)),
        "adaptive_avg_pool",
        {"output_size": (2, 6)},
    ),
    "nearest": (
        lambda x: F.interpolate(x, scale_factor=2.0),
        "resize_nearest",
        {"size": (12, 12), "scales": (2.0, 2.0)},
    ),
    "bilinear": (
        lambda x: F.interpolate(x, size=(9, 3), mode="bilinear"),
        "resize",
        {"size": (9, 3), "mode": "bilinear", "align_corners": False},
    ),
    "convolution with a string": (
        lambda x: F.conv2d(x, torch.ones(4, 1, 4, 3), padding="same", groups=4),
        "conv",
        {
            "kernel_size": (4, 3),
            "strides": (1, 1),
            "padding": ((1, 2), (1, 1)),
            "dilations": (1, 1),
            "groups": 4,
        },
    ),
    "transposed convolution": (
        lambda x: F.conv_transpose2d(x, torch.ones(4, 2, 3, 3), stride=2, output_padding=1),
        "conv_transpose",
        {
            "kernel_size": (3, 3),
            "strides": (2, 2),
            "padding": ((0, 0), (0, 0)),
            "dilations": (1, 1),
            "groups": 1,
            "output_padding": (1, 1),
            "weight_output_axis": 1,
        },
    ),
    "einsum": (lambda x, y: torch.einsum("nchw,nchw->nc", x, y), "einsum", {"equation": "nchw,nchw->nc"}),
    "attention": (
        lambda x, y: F.scaled_dot_product_attention(x, y, y, is_causal=True),
        "attention",
        {"scale": 6**-0.5, "is_causal": True},
    ),
    "group norm": (lambda x: F.group_norm(x, 2), "group_norm", {"num_groups": 2, "epsilon": 1e-5}),
    "layer norm": (lambda x: F.layer_norm(x, (6, 6)), "layer_norm", {"axes": (2, 3), "epsilon": 1e-5}),
    "instance norm": (lambda x: F.instance_norm(x), "instance_norm", {"epsilon": 1e-5}),
    "rms norm": (
        lambda x: F.rms_norm(x, (6,)),
        "rms_norm",
        {"axes": (3,), "epsilon": torch.finfo(torch.float32).eps},
    ),
    "view": (lambda x: x.view(-1, 144), "reshape", {"shape": ("d0", 144)}),
    "unflatten": (lambda x: torch.unflatten(x, 1, (2, 2)), "reshape", {"shape": ("d0", 2, 2, 6, 6)}),
    "flatten": (lambda x: x.flatten(-2), "flatten", {"start_axis": 2, "end_axis": 3}),
    "transpose": (lambda x: x.transpose(-1, 1), "permute", {"axes": (0, 3, 2, 1)}),
    "swapped last axes": (lambda x: x.mT, "permute", {"axes": (0, 1, 3, 2)}),
    "moved axis": (lambda x: x.movedim(1, -1), "permute", {"axes": (0, 2, 3, 1)}),
    "squeeze": (lambda x: x.amax(1, keepdim=True).squeeze(1), "squeeze", {"axes": (1,)}),
    "unsqueeze": (lambda x: x.unsqueeze(-1), "unsqueeze", {"axes": (4,)}),
    "expand": (
        lambda x: x.unsqueeze(1).expand(-1, 3, -1, -1, -1),
        "expand",
        {"shape": ("d0", 3, 4, 6, 6)},
    ),
    "repeat": (lambda x: x.repeat(1, 2, 1, 1), "repeat", {"repeats": (1, 2, 1, 1)}),
    "slice": (lambda x: x[:, 1:-1], "slice", {"axis": 1, "start": 1, "end": 3, "step": 1}),
    "strided slice": (lambda x: x[..., ::2], "slice", {"axis": 3, "start": 0, "end": 6, "step": 2}),
    "select": (lambda x: x[:, -1], "select", {"axis": 1, "index": 3}),
    "chunk": (lambda x: x.chunk(2, 1)[1], "split", {"axis": 1, "sizes": (2, 2)}),
    "split": (lambda x: torch.split(x, [1, 3], -3)[0], "split", {"axis": 1, "sizes": (1, 3)}),
    "unbind": (lambda x: x.unbind(-1)[2], "unbind", {"axis": 3}),
    "pad": (
        lambda x: F.pad(x, (1, 2, 0, 3), value=1.5),
        "pad",
        {"pads": ((0, 0), (0, 0), (0, 3), (1, 2)), "mode": "constant", "value": 1.5},
    ),
    "reflected pad": (
        lambda x: F.pad(x, (1, 1, 2, 0), mode="reflect"),
        "pad",
        {"pads": ((0, 0), (0, 0), (2, 0), (1, 1)), "mode": "reflect"},
    ),
    "roll": (lambda x: x.roll((1, -1), (2, 3)), "roll", {"axes": (2, 3), "shifts": (1, -1)}),
    "flip": (lambda x: x.flip(-1), "flip", {"axes": (3,)}),
    "pixel shuffle": (lambda x: F.pixel_shuffle(x, 2), "pixel_shuffle", {"factor": 2}),
    "channel shuffle": (lambda x: F.channel_shuffle(x, 2), "channel_shuffle", {"groups": 2}),
    "concat": (lambda x, y: torch.cat([x, y], -1), "concat", {"axis": 3}),
    "stack": (lambda x, y: torch.stack([x, y], -1), "stack", {"axis": 4}),
    "index select": (lambda x: x.index_select(1, torch.tensor([2, 0])), "gather", {"axis": 1}),
    "advanced index": (lambda x: x[:, torch.tensor([2, 0])], "index", {}),
    "where": (lambda x, y: torch.where(x > 0, x, y), "where", {}),
    "masked fill": (lambda x, y: x.masked_fill(y > 0, -1.0), "masked_fill", {"value": -1.0}),
    "top k": (lambda x: x.topk(2, 1)[0], "top_k", {"k": 2, "axis": 1}),
    "sort": (lambda x: x.sort(dim=-1, descending=True)[0], "sort", {"axis": 3, "descending": True}),
    "dropout": (lambda x: F.dropout(x, 0.4, training=False), "dropout", {"rate": 0.4}),
    "dropout that is on": (lambda x: F.dropout(x, 0.4), "aten.dropout.default", {"p": 0.4, "train": True}),
    "lower triangle": (lambda x: x.tril(1), "tril", {"diagonal": 1}),
    "clone": (lambda x: x.clone(), "identity", {}),
    "unknown": (lambda x: torch.special.i1(x), "aten.special_i1.default", {}),
    "no cast": (lambda x: x.float(), "identity", {}),  # last: from here on x is its result
}


class Everything(nn.Module):
    """Every case on the same two inputs."""

    def forward(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        given = {1: (x,), 2: (x, y)}
        return {
            name: spelling(*given[len(inspect.signature(spelling).parameters)])
            for name, (spelling, _, _) in CASES.items()
        }


@pytest.fixture(scope="module")
def computed() -> dict[str, Node]:
    """The layer that computes each case's result."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using padding='same' with even kernel")  # torch's word to the user
        graph = trace(Everything(), (torch.rand(2, 4, 6, 6), torch.rand(2, 4, 6, 6))).graph
    return {node.aliases[0]: graph[node.inputs[0].producer] for node in graph.outputs}


@pytest.mark.parametrize("name", CASES)
def test_a_spelling_becomes_its_neutral_operator(computed: dict[str, Node], name: str) -> None:
    _, type_name, attributes = CASES[name]
    assert computed[name].type == type_name
    assert dict(computed[name].attributes) == attributes


def test_operands_have_the_roles_of_the_vocabulary(computed: dict[str, Node]) -> None:
    def roles(name: str) -> list[tuple[str, str]]:
        return [(port.role, port.producer) for port in computed[name].inputs]

    assert roles("concat") == [("inputs.0", "x"), ("inputs.1", "y")]
    assert roles("attention") == [("query", "x"), ("key", "y"), ("value", "y")]
    assert roles("number minus x") == [("other", "x")]
    assert [role for role, _ in roles("where")] == ["condition", "input", "other"]
    assert [weight.role for weight in computed["advanced index"].weights] == ["indices.1"]


def test_operators_with_more_results_than_the_layer_is_about_have_the_ports_that_are_read(
    computed: dict[str, Node],
) -> None:
    assert len(computed["max pool with indices"].outputs) == 1
    assert len(computed["top k"].outputs) == 2
