#!/usr/bin/env python3
"""libsscam on a GPU: whether its maps are those of the CPU, what is copied, and how close its speed
is to the GPU's limit, compared with the packages' algorithm in eager PyTorch.

    SSCAM_LIBRARY=build-gpu/lib/libsscam.so.1 python3 tests/gpu/measure.py \\
        [--device cuda] [--budget SECONDS]

All in one process, in turn, medians. The most important measurements come first; those that have
not begun when the budget is spent are left out. Networks are torchvision's, with random weights
unless --weights names a folder of files NETWORK*.weights, as tests/gpu/packages makes them.
tests/gpu/run builds and calls this. Ends with the promises for a GPU, and fails if one is not kept.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

import numpy as np
import torch
import torchvision
from torch.profiler import ProfilerActivity, profile

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
import sscam

LAYERS = {"resnet18": "layer4", "squeezenet1_0": "features.12"}
PEERS_BATCH = 16
BATCHES = (32, 64, 128, 256, 512)
PRECISIONS = {
    "fp32": torch.float32,
    "fp16": torch.float16,
    "tf32": torch.float32,
    "bf16": torch.bfloat16,
}
FIRST_METHODS = ("score-cam", "ss-cam-mean", "ss-cam-max", "grad-cam", "grad-cam++")

promises = []  # (what, whether it was kept)


def promise(what, is_kept):
    promises.append((what, bool(is_kept)))
    print(f"{'kept' if is_kept else 'NOT KEPT'}: {what}", flush=True)


def cosine(a, b):
    a, b = np.asarray(a, float).ravel(), np.asarray(b, float).ravel()
    return float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-30))


def top_tenth_overlap(a, b):
    """Share of the highest tenth of pixels that two maps have in common."""
    count = max(1, a.size // 10)
    highest = [set(np.argsort(np.asarray(m).ravel(), kind="stable")[-count:]) for m in (a, b)]
    return len(highest[0] & highest[1]) / count


class Subject:
    def __init__(self, name, weights, folder, device):
        torch.manual_seed(1)
        self.name, self.layer, self.device = name, LAYERS[name], device
        network = getattr(torchvision.models, name)(weights=None).eval()
        found = sorted(Path(weights).glob(f"{name}*.weights")) if weights else []
        self.weights = "pretrained" if found else "random"
        if found:
            network.load_state_dict(torch.load(found[0]))
        path = self.path = Path(folder) / f"{name}.pt"
        torch.jit.script(network).save(str(path))
        self.on_card, self.on_processor = sscam.Model(path, device=device), sscam.Model(path)
        traced_path = Path(folder) / f"{name}-traced.pt"
        torch.jit.trace(network, torch.randn(1, 3, 224, 224)).save(str(traced_path))
        self.traced_on_card = sscam.Model(traced_path, device=device)
        self.network = network.to(device)
        self.eager = {}
        # By method and precision: to the peers' algorithm, to the CPU's map.
        self.ratios, self.nearness = {}, {}
        coarse = torch.randn(1, 3, 7, 7)
        smooth = torch.nn.functional.interpolate(coarse, (224, 224), mode="bicubic")
        self.input = smooth + 0.1 * torch.randn(1, 3, 224, 224)
        with torch.no_grad():
            self.class_index = int(self.network(self.input.to(device)).argmax())
        layer = next(
            layer for layer in self.on_processor.layers((3, 224, 224)) if layer.name == self.layer
        )
        self.map_bytes = 4 * int(np.prod(layer.shape))

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
        """Inputs a second of the fastest variant of the network alone, and that variant."""
        best = (0.0, "")
        with torch.no_grad():
            for form in ("eager", "frozen", "fused"):
                network = self.network.to(dtype).to(memory_format=torch.channels_last)
                if form != "eager":
                    network = torch.jit.freeze(torch.jit.script(network))
                if form == "fused":
                    network = torch.jit.optimize_for_inference(network)
                for batch in batches:
                    inputs = torch.randn(batch, 3, 224, 224, device=self.device, dtype=dtype)
                    inputs = inputs.to(memory_format=torch.channels_last)
                    try:
                        taken = (
                            self.seconds(
                                lambda network=network, inputs=inputs: [
                                    network(inputs) for _ in range(4)
                                ],
                                rounds,
                            )
                            / 4
                        )
                    except torch.cuda.OutOfMemoryError:
                        break
                    best = max(best, (batch / taken, f"{form}, {batch}"))
        self.network.to(torch.float32).to(memory_format=torch.contiguous_format)
        return best

    def eager_seconds(self, samples, rounds):
        """Time of the packages' algorithm; measured once."""
        if samples not in self.eager:
            self.eager[samples] = self.seconds(
                lambda: self.by_peers_algorithm(samples, 1.0), min(rounds, 3)
            )
        return self.eager[samples]

    def by_peers_algorithm(self, samples, sigma):
        """Score-CAM as the Python packages compute it, in eager float32 on the GPU, with its masks;
        with samples, SS-CAM."""
        kept = []
        handle = self.network.get_submodule(self.layer).register_forward_hook(
            lambda *a: kept.append(a[2].detach())
        )
        inputs = self.input.to(self.device)
        with torch.no_grad():
            self.network(inputs)
            handle.remove()
            maps = torch.nn.functional.interpolate(kept[0], (224, 224), mode="bilinear")[0]
            low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
            masks = (maps - low) / (high - low).clamp_min(1e-30)
            weights = torch.zeros(len(masks), device=self.device)
            for first in range(0, len(masks), PEERS_BATCH):
                part = masks[first : first + PEERS_BATCH, None]
                for _ in range(samples or 1):
                    noisy = part + sigma * torch.randn_like(part) if samples else part
                    weights[first : first + PEERS_BATCH] += self.network(inputs * noisy)[
                        :, self.class_index
                    ]
            weights = torch.softmax(weights / (samples or 1), 0)
            return torch.relu((weights[:, None, None] * kept[0][0]).sum(0)).cpu().numpy()


def show_agreement(subject, options, names):
    """Compares maps with the CPU's in fp32, of a few channels."""
    print(
        f"\n{subject.name} ({subject.weights} weights): "
        f"maps on {subject.device} beside the processor's in fp32 "
        f"({options.agreement_channels} channels, N = 2)"
    )
    print("| method | precision | cosine | overlap of the highest tenth | largest difference |")
    print("| --- | --- | --- | --- | --- |")
    for method in sscam.methods():
        name = method.name
        if name not in names:
            continue
        choice = {"max_channels": options.agreement_channels} if method.needs_scoring else {}
        if "samples" in sscam.Explainer(subject.on_card, name).options and (
            "ss-cam" in name or "smooth" in name
        ):
            choice["samples"] = 2
        wanted = subject.explain(subject.on_processor, name, **choice)().data
        for precision in PRECISIONS if method.needs_scoring else ("fp32",):
            extra = {} if precision == "fp32" else {"precision": precision}
            for kind, model in (("", subject.on_card), (", traced", subject.traced_on_card)):
                if kind and (precision != "fp32" or name != "score-cam"):
                    continue
                try:
                    found = subject.explain(model, name, **choice, **extra)().data
                except sscam.UnsupportedError as refusal:
                    print(f"| {name}{kind} | {precision} | {refusal} | | |")
                    continue
                near = cosine(found, wanted)
                subject.nearness[name, precision] = min(
                    near, subject.nearness.get((name, precision), near)
                )
                print(
                    f"| {name}{kind} | {precision} | {near:.6f} "
                    f"| {top_tenth_overlap(found, wanted):.3f} | "
                    f"{np.abs(np.asarray(found) - np.asarray(wanted)).max():.2g} |",
                    flush=True,
                )
                if precision == "fp32" and near < 0.999:
                    promise(
                        f"{subject.name}, {name}{kind}: fp32 map as the processor's (cosine 0.999)",
                        False,
                    )


def show_speed(subject, options, precision):
    """Passes a second, compared with the floor and the packages' algorithm."""
    dtype = PRECISIONS[precision]
    batches = BATCHES if options.device.startswith("cuda") else (4,)
    limit = {"max_channels": options.channels} if options.channels else {}
    try:
        start = time.perf_counter()
        subject.explain(subject.on_card, "score-cam", precision=precision, **limit)()
        first = time.perf_counter() - start
    except sscam.UnsupportedError as refusal:
        print(f"\n{subject.name}, {precision}: {refusal}")
        return
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    floor, form = subject.floor(dtype, options.rounds, batches)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    print(
        f"\n{subject.name}, {precision}: "
        f"floor {floor:.0f} passes a second ({form}); the first Score-CAM, with all "
        f"that is measured then, {first:.2f} s"
    )
    print("| method | passes a second | seconds | way | eager fp32 peers' algorithm, s | ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    for method, samples in (("score-cam", 0), ("ss-cam-mean", options.samples)):
        choice = {"samples": samples} if samples else {}
        run = subject.explain(subject.on_card, method, precision=precision, **choice, **limit)
        shown = run()
        taken = subject.seconds(run, options.rounds)
        passes = shown.passes - 1
        theirs = ratio = ""
        if not options.channels:
            eager = subject.eager_seconds(samples, options.rounds)
            subject.ratios[method, precision] = eager / taken
            theirs, ratio = f"{eager:.3f}", f"{eager / taken:.1f}"
        print(
            f"| {method} | {passes / taken:.0f} | {taken:.4f} | "
            f"{', '.join(map(str, shown.diagnostics.values()))} | {theirs} | {ratio} |",
            flush=True,
        )
    if precision == "fp32":
        taken = subject.seconds(subject.explain(subject.on_card, "grad-cam"), options.rounds)
        print(f"| grad-cam |  | {taken:.4f} |  |  |  |", flush=True)
    if options.bench:
        show_overhead(subject, options, precision, floor)
    if options.traces:
        keep_traces(subject, options, precision, limit)


def show_overhead(subject, options, precision, floor):
    """From C alone, over the faster of libtorch's variants above and the library's own without
    writing masks."""
    limit = [f"max_channels={options.channels}"] if options.channels else []
    ran = subprocess.run(
        [
            options.bench,
            subject.path,
            f"device={options.device}",
            f"precision={precision}",
            *limit,
            f"rounds={options.rounds}",
            f"samples={options.samples}",
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    print(ran.stdout.replace(str(subject.path), subject.name), end="", flush=True)
    for method, most in (("score-cam", 10), ("ss-cam-mean", 15)):
        found = re.search(
            rf"^{method} .*; ([0-9.]+) a second; floor ([0-9.]+) a second", ran.stdout, re.MULTILINE
        )
        overhead = 100 * (max(floor, float(found[2])) / float(found[1]) - 1)
        promise(
            f"{subject.name}, {method}, {precision}: overhead at most {most} % ({overhead:.1f} %)",
            overhead <= most,
        )


def keep_traces(subject, options, precision, limit):
    """Trace of GPU and host in one explanation, for chrome://tracing."""
    for method, choice in (("score-cam", {}), ("ss-cam-mean", {"samples": 2})):
        run = subject.explain(subject.on_card, method, precision=precision, **choice, **limit)
        run()
        with profile() as profiler:
            run()
            subject.wait()
        profiler.export_chrome_trace(
            f"{options.traces}/{subject.name}-{precision}-{method}.json.gz"
        )


def copies_of(subject, samples):
    """Bytes copied in one SS-CAM, by the profiler: {direction: (copies, bytes)}."""
    run = subject.explain(subject.on_card, "ss-cam-mean", samples=samples)
    run()
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        run()
        subject.wait()
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        profiler.export_chrome_trace(file.name)
        events = json.loads(Path(file.name).read_text())["traceEvents"]
    copies = {}
    for kind in ("HtoD", "DtoH"):
        sizes = [
            event["args"].get("bytes", 0)
            for event in events
            if event.get("cat") == "gpu_memcpy" and kind in event["name"]
        ]
        copies[kind] = len(sizes), sum(sizes)
        print(
            f"{subject.name}, ss-cam-mean, N = {samples}: "
            f"{kind} {len(sizes)} copies, {sum(sizes)} bytes",
            flush=True,
        )
    return copies


def show_traffic(subject, options):
    print()
    few, many = copies_of(subject, 2), copies_of(subject, options.samples)
    input_bytes, maps = 4 * 3 * 224 * 224, subject.map_bytes
    promise(
        f"{subject.name}: what goes up is the input and the maps, whatever N is",
        few["HtoD"] == many["HtoD"] and 0 < many["HtoD"][1] <= 2 * input_bytes + maps + 100_000,
    )
    # maps, logits, and a score for each masked input
    promise(
        f"{subject.name}: what comes down is the maps, logits and scores",
        0 < many["DtoH"][1] <= maps + 8000 + 4 * 1024 * options.samples + 100_000,
    )


def show_company(subject, options):
    """Maps during other work of the host program: its streams, its threads, and little memory."""
    print()
    run = subject.explain(subject.on_card, "score-cam", batch_size=64)
    alone = np.array(run().data)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        busy = torch.randn(8192, 8192, device=options.device)
        for _ in range(20):
            busy = torch.nn.functional.normalize(busy @ busy)
        beside = np.array(run().data)
    promise(
        f"{subject.name}: the same map on a stream of the host's",
        np.abs(beside - alone).max() <= 1e-4,
    )

    found = {}

    def explain_once(number):
        found[number] = np.array(
            subject.explain(subject.on_card, "score-cam", batch_size=64)().data
        )

    threads = [threading.Thread(target=explain_once, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    promise(
        f"{subject.name}: the same map by four threads at once",
        len(found) == 4 and all(np.abs(other - alone).max() <= 1e-4 for other in found.values()),
    )

    del busy
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    try:
        torch.cuda.set_per_process_memory_fraction(
            (torch.cuda.memory_reserved() + (400 << 20)) / total
        )
        halved = np.array(subject.explain(subject.on_card, "score-cam", batch_size=512)().data)
        promise(
            f"{subject.name}: the same map in 400 MB, where batches of 512 do not fit",
            np.abs(halved - alone).max() <= 1e-3,
        )
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(
            (torch.cuda.memory_reserved() + (1 << 20)) / total
        )
        try:
            subject.explain(subject.on_card, "score-cam", batch_size=512)()
            print("one MB was enough")
        except sscam.OutOfMemoryError as failure:
            print(f"in no memory: {failure}")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    promise(
        f"{subject.name}: usable after that", np.abs(np.array(run().data) - alone).max() <= 1e-4
    )


def show_ratio(subject):
    """The promise of five times the packages' speed, by any precision that gives the CPU's
    maps."""
    for method in ("score-cam", "ss-cam-mean"):
        found = {
            precision: ratio
            for (name, precision), ratio in subject.ratios.items()
            if name == method and subject.nearness.get((name, precision), 0.0) >= 0.999
        }
        if found:
            best = max(found, key=found.get)
            promise(
                f"{subject.name}, {method}: at least 5 times the peers "
                f"by a map of cosine 0.999 to the processor's "
                f"in fp32 ({best}: {found[best]:.1f} times, {subject.nearness[method, best]:.6f})",
                found[best] >= 5,
            )


def plan_of(subjects, options):
    """What to measure, (name, call), the most important first."""
    on_card = options.device.startswith("cuda")
    others = [
        method.name
        for method in sscam.methods()
        if method.name not in (*FIRST_METHODS, "cam") and not method.needs_attention
    ]
    for precision in options.precisions.split(","):
        for subject in subjects:
            yield (
                f"speed of {subject.name}, {precision}",
                lambda s=subject, p=precision: show_speed(s, options, p),
            )
        if precision == "fp32":
            for subject in subjects:
                yield (
                    f"agreement of {subject.name}",
                    lambda s=subject: show_agreement(s, options, FIRST_METHODS),
                )
            if on_card:
                yield "traffic", lambda: show_traffic(subjects[0], options)
                yield "company", lambda: show_company(subjects[0], options)
    for subject in subjects:
        yield f"ratios of {subject.name}", lambda s=subject: show_ratio(s)
    for subject in subjects:
        # random heads do not fit cam
        yield (
            f"other methods of {subject.name}",
            lambda s=subject: show_agreement(s, options, others),
        )


def main():
    start = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--networks", default="resnet18,squeezenet1_0")
    parser.add_argument("--weights")
    parser.add_argument("--precisions", default=",".join(PRECISIONS))
    parser.add_argument(
        "--traces", metavar="FOLDER", help="keep traces of one explanation of each kind"
    )
    parser.add_argument("--bench", help="the program sscam-bench, for overheads")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--samples", type=int, default=10, help="N of SS-CAM in the measurement of speed"
    )
    parser.add_argument(
        "--channels", type=int, default=0, help="score as many channels only; 0: all"
    )
    parser.add_argument("--agreement-channels", type=int, default=16)
    parser.add_argument(
        "--budget", type=float, default=3600.0, help="seconds after which nothing new is begun"
    )
    options = parser.parse_args()
    name = torch.cuda.get_device_name() if options.device.startswith("cuda") else "the processor"
    print(
        f"{time.strftime('%Y-%m-%d')}; {name}; torch {torch.__version__}; "
        f"libsscam {sscam.__version__}; "
        f"medians of {options.rounds}"
    )
    print(sscam.build_info())
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    has_failed = False
    with tempfile.TemporaryDirectory() as folder:
        subjects = [
            Subject(network, options.weights, folder, options.device)
            for network in options.networks.split(",")
        ]
        for what, measure in plan_of(subjects, options):
            spent = time.monotonic() - start
            if spent > options.budget:
                print(f"\nleft out, since {spent:.0f} s are spent: {what}")
                continue
            try:
                measure()
            except Exception:  # the others are still of use
                print(f"\nFAILED: {what}")
                traceback.print_exc(file=sys.stdout)
                has_failed = True
    kept = sum(is_kept for _, is_kept in promises)
    print(f"\npromises kept: {kept} of {len(promises)}")
    for what in [what for what, is_kept in promises if not is_kept]:
        print(f"not kept: {what}")
    # The promises are for GPUs only.
    return 1 if has_failed or (kept < len(promises) and options.device.startswith("cuda")) else 0


if __name__ == "__main__":
    sys.exit(main())
