"""Architectures of timm, transformers and torchvision against eager autograd, as a table.

usage: run_sweep.py SSCAM [NAME...]

SSCAM is the program, built with a libtorch that runs what this Python's torch writes. Weights are
random; networks are traced. For each: the default layer, the size of its map, and the largest
difference of the Grad-CAM map from that of eager autograd at a value of the network that has this
size, as a share of the map's maximum. Exit status 1 where a network is refused or differs by more
than 1e-3. Names of timm's are as timm.list_models() has them, the others have a prefix.
"""

import copy
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import torch

from map_oracle import oracle_maps

SMALL_SIDE = 160  # of images, where a network takes any
LIMIT = 1e-3  # of differences
LEAST_MAP = 1e-30  # largest value of a map; below it float32 loses digits


def smallest_example(network, *sides):
    """An image of a small side where the network takes it, else of its own size."""
    small = torch.randn(1, 3, SMALL_SIDE, SMALL_SIDE)
    try:
        with torch.no_grad():
            network(small)
        return small
    except Exception:  # of many kinds
        return torch.randn(1, 3, *sides)


def timm_network(name):
    import timm

    network = timm.create_model(name, pretrained=False).eval()
    return network, smallest_example(network, *network.default_cfg["input_size"][1:])


def transformers_network(name):
    import transformers

    config = {
        "vit": transformers.ViTConfig,
        "deit": transformers.DeiTConfig,
        "swin": transformers.SwinConfig,
        "swinv2": transformers.Swinv2Config,
        "convnext": transformers.ConvNextConfig,
        "resnet": transformers.ResNetConfig,
        "mobilevit": transformers.MobileViTConfig,
        "poolformer": transformers.PoolFormerConfig,
        "segformer": transformers.SegformerConfig,
        "pvt": transformers.PvtConfig,
        "regnet": transformers.RegNetConfig,
        "hiera": transformers.HieraConfig,
        "dinov2": transformers.Dinov2Config,
        "focalnet": transformers.FocalNetConfig,
        "videomae": transformers.VideoMAEConfig,
    }[name]()
    config.num_labels = 20
    # AutoModelForImageClassification does not know the one, and has two classes for the other.
    own_makers = {
        "segformer": transformers.SegformerForImageClassification,
        "deit": transformers.DeiTForImageClassification,
    }
    if name in own_makers:
        config._attn_implementation = "eager"
        network = own_makers[name](config).eval()
    else:
        kinds = {"videomae": transformers.AutoModelForVideoClassification}
        maker = kinds.get(name, transformers.AutoModelForImageClassification)
        network = maker.from_config(config, attn_implementation="eager").eval()
    size = getattr(config, "image_size", 224)
    side = size if isinstance(size, int) else size[0]
    return FirstOutput(network), torch.randn(1, 3, side, side)


class FirstOutput(torch.nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x)[0]


def torchvision_network(name):
    import torchvision

    network = torchvision.models.get_model(name, weights=None).eval()
    is_video = name in ("swin3d_t", "mvit_v2_s", "mvit_v1_b", "r3d_18", "s3d")
    return network, torch.randn(1, 3, *((16, 224, 224) if is_video else (224, 224)))


NAMES = (pathlib.Path(__file__).parent / "architectures.txt").read_text().split()


def build(name):
    torch.manual_seed(0)
    source, _, short = name.rpartition(":")
    makers = {
        "": timm_network,
        "transformers": transformers_network,
        "torchvision": torchvision_network,
    }
    network, example = makers[source](short)
    for parameter in network.parameters():
        parameter.requires_grad_(False)
        if parameter.dim() >= 2 and not parameter.any():
            torch.nn.init.normal_(parameter, std=0.02)  # heads that begin as zeros explain nothing
    return network, example


def explain(program, path, folder, example, target):
    np.save(folder / "input.npy", example.numpy())
    files = folder / "input.npy", folder / "raw.npy"
    words = [program, "explain", path, "--tensor", files[0], "-m", "grad-cam", "--json"]
    words += ["--raw", files[1], "--set", f"target={target}"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise ValueError(done.stderr.strip().split(".pt: ")[-1])
    raw = np.load(files[1])
    return json.loads(done.stdout), raw.reshape(raw.shape[-(example.dim() - 2) :])


def difference_to_eager(network, example, raw, index, sign):
    maps = oracle_maps(network, example, raw.shape, lambda output: sign * output[0, index])
    return min((np.abs(raw - expected).max() / raw.max() for expected in maps), default=np.inf)


def compare(program, name, folder):
    """The default layer, the size of its map, and the difference. Where nothing speaks for a class,
    the map of what speaks against it is compared. Eager float32 may itself be rounded by more than
    the limit; what differs from it is compared with float64. A map that underflows is not compared.
    """
    network, example = build(name)
    path = folder / "network.pt"
    network(example)  # some keep what depends on the input's size
    torch.jit.trace(network, example, check_trace=False, strict=False).save(str(path))
    for target in ("class", "against"):
        report, raw = explain(program, path, folder, example, target)
        if raw.max() > LEAST_MAP:
            break
    sign = 1 if target == "class" else -1
    difference = np.nan
    if raw.max() > LEAST_MAP:
        difference = difference_to_eager(network, example, raw, report["class"], sign)
        if not difference <= LIMIT:
            exact = copy.deepcopy(network).double()
            difference = difference_to_eager(exact, example.double(), raw, report["class"], sign)
    return report["layer"], "x".join(map(str, raw.shape)), difference


def main():
    warnings.simplefilter("ignore")
    program, names = sys.argv[1], sys.argv[2:] or NAMES
    failed = 0
    print(f"torch {torch.__version__}")
    print(f"{'network':32} {'default layer':40} {'map':9} difference  seconds", flush=True)
    for name in names:
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                layer, size, difference = compare(program, name, pathlib.Path(folder))
                text = f"{layer:40} {size:9} {difference:10.1e}"
                is_wrong = not difference <= LIMIT
            except Exception as error:
                text, is_wrong = (str(error).strip() or repr(error)).splitlines()[0][:150], True
        failed += is_wrong
        mark = "FAULT" if is_wrong else ""
        print(f"{name:32} {text} {time.monotonic() - start:7.1f} {mark}", flush=True)
    print(f"{len(names) - failed} of {len(names)} agree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
