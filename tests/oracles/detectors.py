"""Small detectors in every layout, and their detections and scores from the definitions: boxes,
non-maximum suppression and similarities in NumPy's float64."""

import math
from dataclasses import dataclass
from typing import Optional

import numpy as np
import torch
from torch import nn

CLASSES = 3


class Features(nn.Module):
    """Maps at strides 4 and 8."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU())
        self.fine = nn.Sequential(nn.Conv2d(8, 12, 3, 2, 1), nn.ReLU())
        self.coarse = nn.Sequential(nn.Conv2d(12, 12, 3, 2, 1), nn.ReLU())

    def forward(self, x):
        fine = self.fine(self.stem(x))
        return fine, self.coarse(fine)


class Head(nn.Module):
    """Boxes and scores of the cells of one map, by a branch each."""

    def __init__(self, outputs, stride: int, per_cell: int = 1):
        super().__init__()
        self.sides = nn.Sequential(
            nn.Conv2d(12, 8, 3, 1, 1), nn.ReLU(), nn.Conv2d(8, 4 * per_cell, 1)
        )
        self.scores = nn.Sequential(
            nn.Conv2d(12, 8, 3, 1, 1), nn.ReLU(), nn.Conv2d(8, outputs * per_cell, 1)
        )
        self.stride, self.per_cell, self.outputs = stride, per_cell, outputs

    def forward(self, x):
        """Centre, size in pixels [N,boxes,4] and logits [N,boxes,outputs]."""
        rows, height, width = x.shape[0], x.shape[2], x.shape[3]
        sides = self.sides(x).view(rows, self.per_cell, 4, height * width).permute(0, 1, 3, 2)
        y = torch.arange(height, dtype=x.dtype).view(height, 1).expand(height, width).reshape(-1)
        x_ = torch.arange(width, dtype=x.dtype).view(1, width).expand(height, width).reshape(-1)
        centre = torch.stack([x_, y], 1) + 2.0 * sides[..., :2].sigmoid() - 0.5
        size = 2.0 + (2.0 * sides[..., 2:].sigmoid()) ** 2
        boxes = torch.cat([centre, size], 3) * self.stride
        logits = self.scores(x).view(rows, self.per_cell, self.outputs, height * width)
        return boxes.flatten(1, 2), logits.permute(0, 1, 3, 2).flatten(1, 2)


class Detector(nn.Module):
    """Boxes [N,boxes,4] in pixels and logits [N,boxes,outputs] of two maps."""

    def __init__(self, outputs, per_cell: int = 1, strides=(4, 8)):
        super().__init__()
        self.features = Features()
        self.fine = Head(outputs, strides[0], per_cell)
        self.coarse = Head(outputs, strides[1], per_cell)

    def found(self, x):
        fine, coarse = self.features(x)
        return self.heads(fine, coarse)

    def heads(self, fine, coarse):
        fine_boxes, fine_logits = self.fine(fine)
        coarse_boxes, coarse_logits = self.coarse(coarse)
        return torch.cat([fine_boxes, coarse_boxes], 1), torch.cat([fine_logits, coarse_logits], 1)


def share(boxes, x):
    """Boxes in units of the input's sides."""
    height, width = float(x.shape[2]), float(x.shape[3])
    return boxes / torch.tensor([width, height, width, height], dtype=x.dtype)


class YoloV8(Detector):
    def forward(self, x):
        boxes, logits = self.found(x)
        return torch.cat([boxes, logits.sigmoid()], 2).permute(0, 2, 1)


class YoloV8Tuple(Detector):
    """With the maps of the head beside it, as Ultralytics' networks have them."""

    def forward(self, x):
        fine, coarse = self.features(x)
        boxes, logits = self.heads(fine, coarse)
        return torch.cat([boxes, logits.sigmoid()], 2).permute(0, 2, 1), [fine, coarse]


class YoloV8Transposed(Detector):
    def forward(self, x):
        boxes, logits = self.found(x)
        return torch.cat([boxes, logits.sigmoid()], 2)


class YoloV5(Detector):
    """One output more: the objectness."""

    def forward(self, x):
        boxes, logits = self.found(x)
        return torch.cat([boxes, logits.sigmoid()], 2)


class YoloV10(Detector):
    """The most confident boxes by their edges, with a score and a class."""

    def labelled(self, x):
        boxes, logits = self.found(x)
        scores, labels = logits.sigmoid().max(2)
        order = scores.argsort(1, descending=True)[:, :40]
        kept = boxes.gather(1, order.unsqueeze(2).expand(-1, -1, 4))
        ends = [scores.gather(1, order), labels.gather(1, order).to(x.dtype)]
        return kept, torch.stack(ends, 2)

    def forward(self, x):
        boxes, ends = self.labelled(x)
        centre, half = boxes[..., :2], boxes[..., 2:] / 2
        return torch.cat([centre - half, centre + half, ends], 2)


class RtDetrLabels(YoloV10):
    """The same by centres and sizes."""

    def forward(self, x):
        boxes, ends = self.labelled(x)
        return torch.cat([share(boxes, x), ends], 2)


class RtDetr(Detector):
    def forward(self, x):
        boxes, logits = self.found(x)
        return torch.cat([share(boxes, x), logits.sigmoid()], 2)


class RtDetrTransposed(Detector):
    def forward(self, x):
        boxes, logits = self.found(x)
        return torch.cat([share(boxes, x), logits.sigmoid()], 2).permute(0, 2, 1)


class Detr(Detector):
    """One output more: "no object". The boxes end with a sigmoid, as DETR's."""

    def forward(self, x):
        boxes, logits = self.found(x)
        shares = share(boxes, x).clamp(1e-4, 1 - 1e-4)
        return {"pred_logits": logits, "pred_boxes": torch.logit(shares).sigmoid()}


class DeformableDetr(Detector):
    def forward(self, x):
        boxes, logits = self.found(x)
        shares = share(boxes, x).clamp(1e-4, 1 - 1e-4)
        return logits, torch.logit(shares).sigmoid()


class BoxesScores(Detector):
    def forward(self, x):
        boxes, logits = self.found(x)
        centre, half = boxes[..., :2], boxes[..., 2:] / 2
        return {"boxes": torch.cat([centre - half, centre + half], 2), "scores": logits.sigmoid()}


class Listed(Detector):
    """A list with boxes, labels and scores for each input, as torchvision's detectors give it to
    scripts: the more confident half of the boxes."""

    def forward(self, images: list[torch.Tensor]):
        x = torch.stack(images)
        boxes, logits = self.found(x)
        found: list[dict[str, torch.Tensor]] = []
        losses: dict[str, torch.Tensor] = {}
        for row in range(len(images)):
            scores, labels = logits[row].sigmoid().max(1)
            order = scores.argsort(descending=True)[: int((scores > 0.4).sum())]
            centre, half = boxes[row, order, :2], boxes[row, order, 2:] / 2
            found.append(
                {
                    "boxes": torch.cat([centre - half, centre + half], 1),
                    "labels": labels[order] + 1,
                    "scores": scores[order],
                }
            )
        return losses, found


@dataclass
class Read:
    """One input's boxes [B,4] by their edges, class scores [B,K], objectness [B], and the tensor
    whose element `value(anchor, class)` gradients explain."""

    boxes: np.ndarray
    scores: np.ndarray
    objectness: np.ndarray
    is_final: bool = False

    @property
    def confidence(self):
        return self.scores * self.objectness[:, None]


def edges(boxes):
    return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1)


def softmax(logits):
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


class Layout:
    """How a detector's outputs for a batch are read. `value` is what gradients explain."""

    option = "auto"
    is_final = has_labels = False

    def rows(self, output, size):
        table = self.table(output).double()
        unit = np.array([size[1], size[0]] * 2) if self.is_share else 1
        return [
            Read(
                edges(row[:, :4].numpy() * unit),
                row[:, self.first :].numpy(),
                row[:, 4].numpy() if self.first == 5 else np.ones(len(row)),
                self.is_final,
            )
            for row in table.detach()
        ]

    first, is_share = 4, False

    def table(self, output):
        return output

    def value(self, output, anchor, class_index):
        row = self.table(output)[0, anchor]
        own = row[self.first + class_index]
        return own * row[4] if self.first == 5 else own


class Columns(Layout):
    def table(self, output):
        return (output[0] if isinstance(output, tuple) else output).permute(0, 2, 1)


class WithObjectness(Layout):
    option, first = "yolov5", 5


class Labelled(Layout):
    """[N,B,6]: edges, score and class."""

    is_final = has_labels = True
    classes = CLASSES

    def box_edges(self, boxes, size):
        return boxes

    def rows(self, output, size):
        found = []
        for row in output.detach().double().numpy():
            scores = np.zeros((len(row), self.classes))
            scores[np.arange(len(row)), row[:, 5].astype(int)] = row[:, 4]
            found.append(Read(self.box_edges(row[:, :4], size), scores, np.ones(len(row)), True))
        return found

    def value(self, output, anchor, class_index):
        return output[0, anchor, 4]


class LabelledShares(Labelled):
    """The same by centre and size in [0,1]."""

    def box_edges(self, boxes, size):
        return edges(boxes * np.array([size[1], size[0]] * 2))


class Shares(Layout):
    is_share, is_final = True, True


class ShareColumns(Columns):
    is_share, is_final = True, True


class Pair(Layout):
    """Boxes and logits."""

    is_final = True

    def parts(self, output):
        return output["pred_boxes"], output["pred_logits"]

    def rows(self, output, size):
        boxes, logits = (part.detach().double().numpy() for part in self.parts(output))
        unit = np.array([size[1], size[0]] * 2)
        return [
            Read(edges(b * unit), self.probabilities(row), np.ones(len(b)), True)
            for b, row in zip(boxes, logits)
        ]

    def probabilities(self, logits):
        return softmax(logits)[:, :-1]

    def value(self, output, anchor, class_index):
        return self.parts(output)[1][0, anchor, class_index]


class SigmoidPair(Pair):
    option = "deformable-detr"

    def parts(self, output):
        return output[1], output[0]

    def probabilities(self, logits):
        return sigmoid(logits)


class EdgesPair(Layout):
    def rows(self, output, size):
        return [
            Read(b.double().numpy(), s.double().numpy(), np.ones(len(b)))
            for b, s in zip(output["boxes"].detach(), output["scores"].detach())
        ]

    def value(self, output, anchor, class_index):
        """The scores end with a sigmoid, before which the library reads them."""
        return torch.logit(output["scores"][0, anchor, class_index])


class Lists(Layout):
    is_final = has_labels = True
    takes_list = True

    def rows(self, output, size):
        found = []
        for row in output[1]:
            labels = row["labels"].numpy()
            scores = np.zeros((len(labels), CLASSES + 1))
            scores[np.arange(len(labels)), labels] = row["scores"].detach().double().numpy()
            found.append(
                Read(row["boxes"].detach().double().numpy(), scores, np.ones(len(labels)), True)
            )
        return found

    def value(self, output, anchor, class_index):
        return output[1][0]["scores"][anchor]


def intersection_over_union(box, boxes):
    """Of one box with each of [B,4]; 0 where one has no area."""
    left, top = np.maximum(box[0], boxes[:, 0]), np.maximum(box[1], boxes[:, 1])
    right, bottom = np.minimum(box[2], boxes[:, 2]), np.minimum(box[3], boxes[:, 3])
    common = np.clip(right - left, 0, None) * np.clip(bottom - top, 0, None)
    area = np.clip(boxes[:, 2] - boxes[:, 0], 0, None) * np.clip(boxes[:, 3] - boxes[:, 1], 0, None)
    own = (box[2] - box[0]) * (box[3] - box[1])
    return np.where(area > 0, common / np.maximum(area + own - common, 1e-300), 0.0)


@dataclass
class Detection:
    box: np.ndarray
    class_index: int
    score: float
    anchor: int


def detections(read, threshold=0.25, overlap=0.45):
    """By descending confidence; greedy non-maximum suppression by class. Boxes have an area."""
    best = read.confidence.argmax(1) if len(read.boxes) else np.zeros(0, int)
    confidence = read.confidence[np.arange(len(best)), best]
    kept = []
    for anchor in np.argsort(-confidence, kind="stable"):
        if confidence[anchor] <= threshold:
            break
        box = read.boxes[anchor]
        if not (box[2] > box[0] and box[3] > box[1]):
            continue
        rivals = [d.box for d in kept if d.class_index == best[anchor]]
        if (
            rivals
            and not read.is_final
            and intersection_over_union(box, np.array(rivals)).max() > overlap
        ):
            continue
        kept.append(Detection(box, int(best[anchor]), float(confidence[anchor]), int(anchor)))
    return kept


def similarity(detection, read, kind="class", class_scores=None):
    """max_j IoU(box, b_j) x confidence, or x cosine of class scores x objectness."""
    if not len(read.boxes):
        return 0.0
    overlap = intersection_over_union(detection.box, read.boxes)
    if kind == "class":
        return float((overlap * read.confidence[:, detection.class_index]).max())
    norms = np.linalg.norm(read.scores, axis=1) * np.linalg.norm(class_scores)
    cosine = np.divide(read.scores @ class_scores, norms, out=np.zeros_like(norms), where=norms > 0)
    return float((overlap * cosine * read.objectness).max())


def anchor_in(detection, read):
    """The box of an input whose score gradients explain: of networks that number their boxes by
    confidence, the one that matches best, unless the box is there as it was."""
    if not read.is_final:
        return detection.anchor
    overlap = intersection_over_union(detection.box, read.boxes)
    confidence = read.confidence[:, detection.class_index]
    is_there = (overlap > 0.99) & (confidence > 0)
    if detection.anchor < len(overlap) and is_there[detection.anchor]:
        return detection.anchor
    matches = overlap * confidence
    if (matches[overlap >= 0.5] > 0).any():
        matches = np.where(overlap >= 0.5, matches, -1)
    assert matches.max() > 0
    return int(matches.argmax())


def logit(value):
    held = min(max(value, 1e-6), 1 - 1e-6)
    return math.log(held / (1 - held))


class Explained:
    """One detection of a detector: activations and gradients of its value, and the scores of masked
    inputs."""

    def __init__(self, module, layout, inputs, layer: Optional[str] = None):
        self.module, self.layout, self.layer = module.eval(), layout, layer
        self.inputs = inputs
        self.dtype = next(module.parameters()).dtype

    def output(self, batch):
        given = torch.from_numpy(np.ascontiguousarray(batch)).to(self.dtype)
        return self.module(list(given) if getattr(self.layout, "takes_list", False) else given)

    def read(self, batch):
        with torch.no_grad():
            return self.layout.rows(self.output(batch), batch.shape[2:])

    def similarities(self, batch, detection, kind="class", class_scores=None):
        return np.array(
            [similarity(detection, row, kind, class_scores) for row in self.read(batch)]
        )

    def value_of(self, output, size, detection):
        """What gradients explain, in the outputs for any input."""
        anchor = anchor_in(detection, self.layout.rows(output, size)[0])
        return self.layout.value(output, anchor, detection.class_index)

    def capture(self, detection, inputs=None):
        """A and dY/dA at the layer, [K,h,w]."""
        inputs = self.inputs if inputs is None else inputs
        leaves = []

        def cut(_module, _inputs, output):
            leaves.append(output.detach().clone().requires_grad_())
            return leaves[-1].clone()

        hook = self.module.get_submodule(self.layer).register_forward_hook(cut)
        try:
            output = self.output(inputs)
        finally:
            hook.remove()
        value = self.value_of(output, self.inputs.shape[2:], detection)
        (gradient,) = torch.autograd.grad(value, leaves[-1])
        return leaves[-1].detach().numpy()[0], gradient.numpy()[0]


def build(kind, seed=5, **arguments):
    """A detector with random weights, whose scores spread over [0,1]."""
    torch.manual_seed(seed)
    module = kind(**arguments)
    with torch.no_grad():
        for head in (module.fine, module.coarse):
            head.scores[2].weight *= 14.0
            head.sides[2].weight *= 4.0
            for part in (head.scores, head.sides):
                part[0].weight *= 2.0
    return module.eval()


#: name: (class, layout, arguments)
LAYOUTS = {
    "yolov8": (YoloV8, Columns(), {"outputs": CLASSES}),
    "yolov8-tuple": (YoloV8Tuple, Columns(), {"outputs": CLASSES}),
    "yolov8-transposed": (YoloV8Transposed, Layout(), {"outputs": CLASSES}),
    "yolov5": (YoloV5, WithObjectness(), {"outputs": CLASSES + 1, "per_cell": 3}),
    "yolov10": (YoloV10, Labelled(), {"outputs": CLASSES}),
    "rt-detr-labels": (RtDetrLabels, LabelledShares(), {"outputs": CLASSES}),
    "rt-detr": (RtDetr, Shares(), {"outputs": CLASSES}),
    "rt-detr-transposed": (RtDetrTransposed, ShareColumns(), {"outputs": CLASSES}),
    "detr": (Detr, Pair(), {"outputs": CLASSES + 1}),
    "deformable-detr": (DeformableDetr, SigmoidPair(), {"outputs": CLASSES}),
    "boxes-scores": (BoxesScores, EdgesPair(), {"outputs": CLASSES}),
    "torchvision": (Listed, Lists(), {"outputs": CLASSES}),
}
