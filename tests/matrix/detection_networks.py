"""torchvision's detectors with random weights, small enough for a test.

Without a library of torchvision's operators for this torch, those of detection_operators.cpp serve.
"""

import pathlib
import re
from collections import OrderedDict

import torch
from torch import nn

CLASSES = 3  # besides the background, which is 0


def import_detection(own_operators):
    """torchvision.models.detection, and the library of its operators."""
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
        torchvision = None
    if torchvision is None or not torchvision.extension._has_ops():
        torch.ops.load_library(own_operators)
        from torchvision_import import torchvision

        torchvision.extension._has_ops = has_operators
        return torchvision.models.detection, own_operators
    (library,) = pathlib.Path(torchvision.__file__).parent.glob("_C*.so")
    return torchvision.models.detection, str(library)


def has_operators() -> bool:
    return True


class Pyramid(nn.Module):
    """Three maps at strides 8, 16 and 32."""

    def __init__(self, channels=16):
        super().__init__()
        self.out_channels = channels
        self.stem = self.stage(3, 8, 4)
        self.fine = self.stage(8, channels, 2)
        self.middle = self.stage(channels, channels, 2)
        self.coarse = self.stage(channels, channels, 2)

    @staticmethod
    def stage(before, after, stride):
        return nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()
        )

    def forward(self, x: torch.Tensor):
        fine = self.fine(self.stem(x))
        middle = self.middle(fine)
        maps: dict[str, torch.Tensor] = OrderedDict()
        maps["0"] = fine
        maps["1"] = middle
        maps["2"] = self.coarse(middle)
        return maps


def anchors(detection, sizes):
    return detection.anchor_utils.AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * len(sizes))


def small(side):
    return {"num_classes": CLASSES + 1, "min_size": side, "max_size": side}


def retinanet(detection):
    sizes = ((24, 32), (48, 64), (96, 128))
    return detection.RetinaNet(
        Pyramid(), anchor_generator=anchors(detection, sizes), detections_per_img=20, **small(128)
    )


def faster_rcnn(detection):
    sizes = ((24, 32), (48, 64), (96, 128))
    pooler = __import__("torchvision").ops.MultiScaleRoIAlign(["0", "1", "2"], 5, 2)
    return detection.FasterRCNN(
        Pyramid(),
        rpn_anchor_generator=anchors(detection, sizes),
        box_roi_pool=pooler,
        box_head=detection.faster_rcnn.TwoMLPHead(16 * 25, 32),
        box_predictor=detection.faster_rcnn.FastRCNNPredictor(32, CLASSES + 1),
        rpn_pre_nms_top_n_test=60,
        rpn_post_nms_top_n_test=20,
        box_detections_per_img=20,
        **{key: value for key, value in small(128).items() if key != "num_classes"},
    )


def ssd(detection):
    boxes = detection.anchor_utils.DefaultBoxGenerator([[2], [2], [2]], steps=[8, 16, 32])
    return detection.ssd.SSD(
        Pyramid(),
        boxes,
        (128, 128),
        CLASSES + 1,
        head=detection.ssd.SSDHead([16, 16, 16], boxes.num_anchors_per_location(), CLASSES + 1),
        detections_per_img=20,
    )


def fcos(detection):
    sizes = ((32,), (64,), (128,))
    generator = detection.anchor_utils.AnchorGenerator(sizes, ((1.0,),) * 3)
    return detection.FCOS(
        Pyramid(32), anchor_generator=generator, detections_per_img=20, **small(128)
    )


def published(name, **options):
    """A network as torchvision has it."""

    def build(detection):
        return getattr(detection, name)(
            weights=None, weights_backbone=None, num_classes=CLASSES + 1, **options
        )

    return build


#: name: (constructor, side of the input, whether it is tried without --full)
NETWORKS = {
    "retinanet": (retinanet, 128, True),
    "faster-rcnn": (faster_rcnn, 128, True),
    "ssd": (ssd, 128, True),
    "fcos": (fcos, 128, True),
    "ssdlite320_mobilenet_v3_large": (
        published("ssdlite320_mobilenet_v3_large", detections_per_img=20),
        320,
        False,
    ),
    "fasterrcnn_mobilenet_v3_large_320_fpn": (
        published("fasterrcnn_mobilenet_v3_large_320_fpn", box_detections_per_img=20),
        320,
        False,
    ),
    "retinanet_resnet50_fpn": (
        published("retinanet_resnet50_fpn", min_size=224, max_size=224, detections_per_img=20),
        224,
        False,
    ),
    "ssd300_vgg16": (published("ssd300_vgg16", detections_per_img=20), 300, False),
}


def images(side, seed=1, count=1):
    """Blocks of colour, between which gradients are not zero."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand((count, 3, 9, 9), generator=generator)
    fine = torch.rand((count, 3, side, side), generator=generator)
    return 0.8 * nn.functional.interpolate(coarse, (side, side)) + 0.2 * fine


def spread(model, side, run=lambda model, batch: model(batch), initialises=True):
    """Random weights under which activations neither vanish nor saturate, so that scores differ:
    batch norms have the statistics of images."""
    model.eval()
    with torch.no_grad():
        for module in model.modules():
            is_linear = isinstance(module, (nn.Conv2d, nn.Linear))
            if initialises and is_linear and module.weight.requires_grad:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.normal_(module.bias, std=0.1)
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None
                module.train()
        run(model, list(images(side, 7, 4)))
    return model.eval()


def level_scores(model, pattern, batch):
    """Scales the last layers of classes so that their logits have a deviation of 1: a saturated
    score has a gradient of 0. `pattern` is of the layers' names."""
    deviations = {}
    hooks = [
        module.register_forward_hook(lambda own, _, output: deviations.update({own: output.std()}))
        for name, module in model.named_modules()
        if isinstance(module, (nn.Conv2d, nn.Linear)) and re.search(pattern, name)
    ]
    with torch.no_grad():
        model(batch)
        for hook in hooks:
            hook.remove()
        for module, deviation in deviations.items():
            module.weight /= deviation
    return model


def build(name, detection, seed=3):
    constructor, side, _ = NETWORKS[name]
    torch.manual_seed(seed)
    model = spread(constructor(detection), side)
    pattern = r"cls_logits$|cls_score$|classification_head\.module_list\.\d+(\.1)?$"
    batch = images(side)
    return level_scores(model, pattern, list(batch)), batch.numpy()
