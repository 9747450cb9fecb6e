"""Image models of torchvision and timm, at sizes that keep them quick."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from tests.backends.torch.zoo.inputs import images
from tests.backends.zoo.entry import Entry

_SCHEMAS: Any = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
for _name in ("nms", "qnms"):  # its own C++ operators are not built for this torch
    _SCHEMAS.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import timm  # noqa: E402
import torchvision  # noqa: E402

_CLASSIFIERS = {
    "alexnet": 64,
    "vgg11": 32,
    "vgg16_bn": 32,
    "resnet18": 64,
    "resnet50": 64,
    "resnext50_32x4d": 64,
    "densenet121": 64,
    "googlenet": 64,
    "inception_v3": 96,
    "squeezenet1_1": 64,
    "shufflenet_v2_x0_5": 64,
    "mobilenet_v2": 64,
    "mobilenet_v3_small": 64,
    "mnasnet0_5": 64,
    "efficientnet_b0": 64,
    "efficientnet_v2_s": 64,
    "regnet_x_400mf": 64,
    "regnet_y_400mf": 64,
    "convnext_tiny": 64,
    "swin_t": 64,
    "swin_v2_t": 64,
}
_TIMM: Mapping[str, dict[str, Any]] = {
    "deit_tiny_patch16_224": {"img_size": 64, "depth": 4},
    "mixer_s16_224": {"img_size": 64},
    "tf_efficientnet_lite0": {},
    "repvgg_a0": {},
    "ghostnet_100": {},
    "hrnet_w18_small": {},
    "convmixer_768_32": {},
    "poolformer_s12": {},
    "mobilevit_s": {},
    "levit_128s": {"img_size": 64},
    "pvt_v2_b0": {},
    "res2net50_26w_4s": {},
    "dla34": {},
    "xception41": {},
    "cspresnet50": {},
    "edgenext_xx_small": {},
    "fastvit_t8": {},
    "beit_base_patch16_224": {"img_size": 64, "depth": 2},
    "eca_resnet33ts": {},
    "nfnet_f0": {"drop_rate": 0.0},
}
_EVERYDAY = {"alexnet", "resnet18", "mobilenet_v3_small", "efficientnet_b0", "deit_tiny_patch16_224"}


class Detector(nn.Module):
    """torchvision's SSD without its post-processing: backbone, multi-scale heads, concatenated results."""

    def __init__(self) -> None:
        super().__init__()
        whole = torchvision.models.detection.ssdlite320_mobilenet_v3_large(
            weights=None, weights_backbone=None
        )
        self.backbone, self.head = whole.backbone, whole.head

    def forward(self, image: torch.Tensor) -> Any:
        return self.head(list(self.backbone(image).values()))


def _torchvision(name: str) -> Callable[[], nn.Module]:
    more: Any = {"inception_v3": {"init_weights": False}, "googlenet": {"init_weights": False}}.get(name, {})
    return lambda: torchvision.models.get_model(name, weights=None, num_classes=100, **more)


def _timm(name: str) -> Callable[[], nn.Module]:
    return lambda: timm.create_model(name, pretrained=False, num_classes=100, **_TIMM[name])


def _segmentation(name: str) -> Callable[[], nn.Module]:
    return lambda: torchvision.models.get_model(name, weights=None, weights_backbone=None, num_classes=5)


def _vit() -> nn.Module:
    model: nn.Module = torchvision.models.VisionTransformer(32, 8, 3, 4, 64, 128, num_classes=10)
    nn.init.normal_(model.heads.head.weight, std=0.1)  # type: ignore[union-attr, arg-type]
    return model


ENTRIES = (
    *(
        Entry(name, "torchvision", _torchvision(name), images(3, size, size), name in _EVERYDAY)
        for name, size in _CLASSIFIERS.items()
    ),
    Entry("vit", "torchvision", _vit, images(3, 32, 32)),
    *(
        Entry(name, "torchvision", _segmentation(name), images(3, 64, 64))
        for name in ("fcn_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large")
    ),
    Entry("ssdlite320", "torchvision", Detector, images(3, 160, 160)),
    Entry(
        "r3d_18",
        "torchvision",
        lambda: torchvision.models.get_model("r3d_18", weights=None, num_classes=10),
        images(3, 4, 32, 32),
    ),
    *(Entry(name, "timm", _timm(name), images(3, 64, 64), name in _EVERYDAY) for name in _TIMM),
)
