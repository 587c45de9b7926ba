#!/usr/bin/env python3
"""libsscam on a card: whether its maps are the processor's, what crosses the bus, and how near it comes to the card's
own limit, beside the peers' algorithm in eager PyTorch.

    SSCAM_LIBRARY=build-gpu/lib/libsscam.so.1 python3 tests/gpu/measure.py [--device cuda]

All in one process, in turn, medians. Networks are torchvision's, with random weights unless --weights names a folder
of TorchScript files whose names begin with theirs. tests/gpu/run builds and calls this.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import torchvision
from torch.profiler import ProfilerActivity, profile

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
import sscam  # noqa: E402

LAYERS = {"resnet18": "layer4", "squeezenet1_0": "features.12"}
PEERS_BATCH = 16
BATCHES = (32, 64, 128, 256, 512)


def cosine(a, b):
    a, b = np.asarray(a, float).ravel(), np.asarray(b, float).ravel()
    return float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-30))


def top_tenth_overlap(a, b):
    """Share of the pixels of the one's highest tenth that are in the other's."""
    count = max(1, a.size // 10)
    highest = [set(np.argsort(np.asarray(m).ravel(), kind="stable")[-count:]) for m in (a, b)]
    return len(highest[0] & highest[1]) / count


class Subject:
    def __init__(self, name, weights, folder, device):
        torch.manual_seed(1)
        self.name, self.layer, self.device = name, LAYERS[name], device
        network = getattr(torchvision.models, name)(weights=None).eval()
        if weights:
            file = sorted(Path(weights).glob(f"{name}*.pt"))[0]
            network.load_state_dict(torch.jit.load(str(file)).state_dict())
        path = Path(folder) / f"{name}.pt"
        torch.jit.script(network).save(str(path))
        self.on_card, self.on_processor = sscam.Model(path, device=device), sscam.Model(path)
        self.network = network.to(device)
        coarse = torch.randn(1, 3, 7, 7)
        self.input = torch.nn.functional.interpolate(coarse, (224, 224), mode="bicubic") + 0.1 * torch.randn(1, 3, 224, 224)
        with torch.no_grad():
            self.class_index = int(self.network(self.input.to(device)).argmax())

    def explain(self, model, method, **options):
        explainer = sscam.Explainer(model, method, layer=self.layer, **options)
        return lambda: explainer.explain(self.input.numpy()[0], class_index=self.class_index)

    def wait(self):
        if self.device.startswith("cuda"):
            torch.cuda.synchronize()

    def seconds(self, run, rounds):
        run()
        times = []
        for _ in range(rounds):
            self.wait()
            start = time.perf_counter()
            run()
            self.wait()
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    def floor(self, dtype, rounds, batches):
        """Inputs a second of the fastest form of the network, nothing else done, and that form."""
        best = (0.0, "")
        with torch.no_grad():
            for form in ("eager", "frozen"):
                network = self.network.to(dtype).to(memory_format=torch.channels_last)
                if form == "frozen":
                    network = torch.jit.freeze(torch.jit.script(network))
                for batch in batches:
                    inputs = torch.randn(batch, 3, 224, 224, device=self.device, dtype=dtype)
                    inputs = inputs.to(memory_format=torch.channels_last)
                    try:
                        taken = self.seconds(lambda: [network(inputs) for _ in range(4)], rounds) / 4  # noqa: B023
                    except torch.cuda.OutOfMemoryError:
                        break
                    best = max(best, (batch / taken, f"{form}, {batch}"))
        self.network.to(torch.float32).to(memory_format=torch.contiguous_format)
        return best

    def by_peers_algorithm(self, samples, sigma):
        """Score-CAM as the Python packages do it, in eager float32 on the card, masks and all; with samples, SS-CAM."""
        kept = []
        handle = self.network.get_submodule(self.layer).register_forward_hook(lambda *a: kept.append(a[2].detach()))
        inputs = self.input.to(self.device)
        with torch.no_grad():
            self.network(inputs)
            handle.remove()
            maps = torch.nn.functional.interpolate(kept[0], (224, 224), mode="bilinear")[0]
            low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
            masks = (maps - low) / (high - low).clamp_min(1e-30)
            weights = torch.zeros(len(masks), device=self.device)
            for first in range(0, len(masks), PEERS_BATCH):
                part = masks[first:first + PEERS_BATCH, None]
                for _ in range(samples or 1):
                    noisy = part + sigma * torch.randn_like(part) if samples else part
                    weights[first:first + PEERS_BATCH] += self.network(inputs * noisy)[:, self.class_index]
            weights = torch.softmax(weights / (samples or 1), 0)
            return torch.relu((weights[:, None, None] * kept[0][0]).sum(0)).cpu().numpy()


def show_agreement(subject, limit):
    print(f"\n{subject.name}: maps on {subject.device} beside the processor's in fp32 ({limit} channels, N = 2)")
    print("| method | precision | cosine | overlap of the highest tenth | largest difference |")
    print("| --- | --- | --- | --- | --- |")
    for method in sscam.methods():
        name, scores = method.name, method.needs_scoring
        if name == "cam":  # random heads are none of its kind
            continue
        options = {"max_channels": limit} if scores else {}
        if "samples" in sscam.Explainer(subject.on_card, name).options and ("ss-cam" in name or "smooth" in name):
            options["samples"] = 2
        wanted = subject.explain(subject.on_processor, name, **options)().data
        for precision in ("fp32", "tf32", "fp16", "bf16") if scores else ("fp32",):
            extra = {} if precision == "fp32" else {"precision": precision}
            try:
                found = subject.explain(subject.on_card, name, **options, **extra)().data
            except sscam.UnsupportedError as refusal:
                print(f"| {name} | {precision} | {refusal} | | |")
                continue
            print(f"| {name} | {precision} | {cosine(found, wanted):.6f} | {top_tenth_overlap(found, wanted):.3f} | "
                  f"{np.abs(np.asarray(found) - np.asarray(wanted)).max():.2g} |", flush=True)


def show_speed(subject, options):
    print(f"\n{subject.name}: passes a second")
    print("| method | precision | floor (form, batch) | passes a second | overhead % | way | eager peers' algorithm | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    batches = BATCHES if options.device.startswith("cuda") else (4,)
    limit = {"max_channels": options.channels} if options.channels else {}
    for precision, dtype in (("fp32", torch.float32), ("tf32", torch.float32), ("fp16", torch.float16),
                             ("bf16", torch.bfloat16)):
        try:
            subject.explain(subject.on_card, "score-cam", precision=precision, max_channels=2)()
        except sscam.UnsupportedError as refusal:
            print(f"| | {precision} | {refusal} | | | | | |")
            continue
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        floor, form = subject.floor(dtype, options.rounds, batches)
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        for method, samples in (("score-cam", 0), ("ss-cam-mean", options.samples)):
            choice = {"samples": samples} if samples else {}
            run = subject.explain(subject.on_card, method, precision=precision, **choice, **limit)
            shown = run()
            taken = subject.seconds(run, options.rounds)
            passes = shown.passes - 1
            theirs = ratio = ""
            if precision in ("fp32", "fp16") and not options.channels:
                eager = subject.seconds(lambda: subject.by_peers_algorithm(samples, 1.0), options.rounds)  # noqa: B023
                theirs, ratio = f"{eager:.3f} s", f"{eager / taken:.1f}"
            print(f"| {method} | {precision} | {floor:.0f} ({form}) | {passes / taken:.0f} ({taken:.3f} s) | "
                  f"{100 * (taken * floor / passes - 1):.1f} | {', '.join(map(str, shown.scoring))} | {theirs} | {ratio} |",
                  flush=True)


def show_traffic(subject, samples):
    """Bytes over the bus in one SS-CAM, by the profiler."""
    run = subject.explain(subject.on_card, "ss-cam-mean", samples=samples)
    run()
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        run()
        subject.wait()
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        profiler.export_chrome_trace(file.name)
        events = json.loads(Path(file.name).read_text())["traceEvents"]
    for kind in ("HtoD", "DtoH", "DtoD"):
        sizes = [event["args"].get("bytes", 0) for event in events
                 if event.get("cat") == "gpu_memcpy" and kind in event["name"]]
        print(f"{subject.name}, ss-cam-mean, N = {samples}: {kind} {len(sizes)} copies, {sum(sizes)} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--networks", default="resnet18,squeezenet1_0")
    parser.add_argument("--weights")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=10, help="N of SS-CAM in the measurement of speed")
    parser.add_argument("--channels", type=int, default=0, help="score as many channels only; 0: all")
    parser.add_argument("--agreement-channels", type=int, default=16)
    options = parser.parse_args()
    name = torch.cuda.get_device_name() if options.device.startswith("cuda") else "the processor"
    print(f"{time.strftime('%Y-%m-%d')}; {name}; torch {torch.__version__}; libsscam {sscam.__version__}; "
          f"medians of {options.rounds}")
    print(sscam.build_info())
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    with tempfile.TemporaryDirectory() as folder:
        for network in options.networks.split(","):
            subject = Subject(network, options.weights, folder, options.device)
            show_agreement(subject, options.agreement_channels)
            show_speed(subject, options)
            if options.device.startswith("cuda"):
                show_traffic(subject, 2)
                show_traffic(subject, options.samples)


if __name__ == "__main__":
    main()
