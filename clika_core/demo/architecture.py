"""The demo network as numbers: what every framework's version of it has in common.

A convolution below is one without bias, then batch norm (`NORM_EPSILON`, running statistics). All paddings
are explicit and symmetric: a 3x3 convolution pads 1 on each side, also with stride 2; 1x1 convolutions and
the max-pool pad nothing. "ends in" is what follows the batch norm.

    module      layers                                                                  output, channels first
    stem        3x3 1 -> 32, ends in relu; max-pool 2x2 stride 2                            32 x 14 x 14
    widen       3x3 32 -> 64, ends in relu                                                  64 x 14 x 14
    residual_1  relu(x + second(first(x))), both 3x3 64 -> 64, first ends in relu           64 x 14 x 14
    inverted_1  x + project(depthwise(expand(x))): 1x1 64 -> 128, 3x3 depthwise 128,
                1x1 128 -> 64; expand and depthwise end in relu6, project in nothing        64 x 14 x 14
    down        relu(shortcut(x) + second(first(x))): first 3x3 stride 2 64 -> 96, ends in
                relu, second 3x3 96 -> 96, shortcut 1x1 stride 2 64 -> 96                    96 x  7 x  7
    residual_2  as residual_1, 96 -> 96                                                     96 x  7 x  7
    inverted_2  as inverted_1, 96 -> 192 -> 96                                              96 x  7 x  7
    head        adaptive average pool to 1x1, flatten, linear 96 -> 10 with bias            10

15 convolutions, 460,000 parameters, 39 million multiply-accumulates for an image. Wide channels and few
layers, so that int32 biases and float32 scales weigh little beside int8 weights.
"""

from __future__ import annotations

from typing import Final

IMAGE_SHAPE: Final = (1, 28, 28)
CLASS_COUNT: Final = 10

STEM_CHANNELS: Final = 32
NARROW_CHANNELS: Final = 64
WIDE_CHANNELS: Final = 96
EXPANSION: Final = 2

NORM_EPSILON: Final = 1e-3
"""Added to the variance; large enough that a channel that hardly varies does not get huge folded weights."""

NORM_UPDATE: Final = 0.1
"""Share of a batch in an update of the running statistics: PyTorch's `momentum`, one minus that of Keras."""
