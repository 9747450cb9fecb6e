"""Every family of keras.applications, with random weights, on the smallest images that it takes."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras

from tests.backends.tensorflow.zoo.inputs import images
from tests.backends.zoo.entry import Entry

_SMALL = (
    "VGG16 VGG19 ResNet50 ResNet50V2 MobileNet MobileNetV2 MobileNetV3Small MobileNetV3Large EfficientNetB0 "
    "EfficientNetV2B0 EfficientNetV2S DenseNet121 NASNetMobile ConvNeXtTiny"
).split()
_SIZES = {**dict.fromkeys(_SMALL, 32), "Xception": 71, "InceptionV3": 75, "InceptionResNetV2": 75}
_EVERYDAY = ("MobileNetV2", "MobileNetV3Small")


def _make(name: str, size: int) -> Any:
    """Up to the logits: behind a softmax that random weights saturate, nothing is left to compare."""
    make = getattr(keras.applications, name)
    return make(weights=None, input_shape=(size, size, 3), classes=10, classifier_activation=None)


ENTRIES = tuple(
    Entry(name, "keras.applications", partial(_make, name, size), images(size), name in _EVERYDAY)
    for name, size in _SIZES.items()
)
