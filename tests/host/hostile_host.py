"""A Python program that uses PyTorch itself, with modes, hooks and callbacks of its own, none of
which may change what the library computes.

hostile_host.py --list                        the cases, one a line
hostile_host.py CASE MODEL IMAGE REFERENCE    runs one; prints nothing when it passes

The maps are compared with those of the C++ program of the same name. Each case wants a process of
its own; test_hosts.py starts them.
"""

import contextlib
import locale
import multiprocessing
import os
import signal
import sys
import threading
import warnings

import numpy as np
import torch

import sscam

MOST_SECONDS = 240  # a case that hangs is ended by its alarm
MOST_REPORTS = 10000
METHODS = ["grad-cam", "layer-cam", "score-cam", "ss-cam-mean", "ablation-cam"]
FEW = {
    "samples": 2,
    "max_channels": 8,
    "batch_size": 4,
}  # so that a map takes a fraction of a second


# --- explanations ---------------------------------------------------------------------------------


class Files:
    """What all cases use."""

    def __init__(self, model, image, reference):
        self.model_path, self.image, self.reference = model, image, read_maps(reference)

    def load(self):
        return sscam.Model(self.model_path)


def read_maps(path):
    """The maps that the C++ program wrote, by "METHOD workers=N"."""
    maps = {}
    with open(path, "rb") as file:
        while name := file.readline().decode().strip():
            count = int(file.readline())
            maps[name] = np.frombuffer(file.read(4 * count), np.float32)
    return maps


def explain(model, image, method, workers, progress=None, calibrate=False):
    """The raw map and then the map; fails when there is no end of reports."""
    reports = 0

    def count(fraction):
        nonlocal reports
        reports += 1
        assert reports <= MOST_REPORTS, "the explanation does not end"
        return progress(reports) if progress else None

    explainer = sscam.Explainer(model, method, workers=workers, calibrate=calibrate, **FEW)
    explained = explainer.explain(image, progress=count)
    return np.concatenate([explained.raw.ravel(), explained.data.ravel()])


def require_equal(values, name, files):
    expected = files.reference[name]
    if values.tobytes() != expected.tobytes():
        raise AssertionError(f"{name} differs by up to {np.abs(values - expected).max()}")


def explain_and_compare(files, model, method="score-cam", workers=1, progress=None):
    values = explain(model, files.image, method, workers, progress)
    require_equal(values, f"{method} workers={workers}", files)


def explain_all(files, model):
    for method in METHODS:
        for workers in (1, 2):
            explain_and_compare(files, model, method, workers)


# --- settings -------------------------------------------------------------------------------------


def is_autocast_on():
    """Whether operations on the processor are under autocast; newer releases take the device."""
    try:
        return torch.is_autocast_enabled("cpu")
    except TypeError:
        return torch.is_autocast_cpu_enabled()


def read_host_state():
    return {
        "autocast": is_autocast_on(),
        "default dtype": torch.get_default_dtype(),
        "gradient mode": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "anomaly mode": torch.is_anomaly_enabled(),
        "threads": torch.get_num_threads(),
        "threads between operations": torch.get_num_interop_threads(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "locale": locale.setlocale(locale.LC_ALL),
        "signal handlers": [signal.getsignal(number) for number in signal.valid_signals()],
        # PyTorch's own settings write TORCHINDUCTOR_ variables.
        "environment": {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("TORCHINDUCTOR_")
        },
        "small numbers": np.float32(1e-38) * np.float32(1e-2) > 0,
        "modes": mode_count(),
    }


def mode_count():
    count = getattr(torch._C, "_len_torch_dispatch_stack", None)
    return count() if count else int(type(torch._C._get_torch_dispatch_mode()) is not type(None))


@contextlib.contextmanager
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@contextlib.contextmanager
def flush_denormal():
    assert torch.set_flush_denormal(True)
    yield
    torch.set_flush_denormal(False)


@contextlib.contextmanager
def deterministic():
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@contextlib.contextmanager
def comma_locale():
    locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
    yield
    locale.setlocale(locale.LC_ALL, "C")


def fail_to_pack(tensor):
    raise AssertionError("a hook of the host's has received a tensor of the library's")


def saved_tensors_hooks():
    return torch.autograd.graph.saved_tensors_hooks(fail_to_pack, fail_to_pack)


def dispatch_mode():
    from torch.utils._python_dispatch import TorchDispatchMode

    class Refusing(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            raise AssertionError(f"the host's mode has received {function}")

    return Refusing()


def function_mode():
    try:
        from torch.overrides import TorchFunctionMode
    except ImportError:
        return contextlib.nullcontext()

    class Refusing(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            if "is_" in str(function) or "get_" in str(function) or "set_" in str(function):
                return function(*args, **(kwargs or {}))
            raise AssertionError(f"the host's mode has received {function}")

    return Refusing()


CONTEXTS = {
    "autocast": lambda: torch.autocast("cpu"),
    "float64": float64,
    "inference_mode": torch.inference_mode,
    "no_gradients": torch.no_grad,
    "anomaly_mode": lambda: torch.autograd.set_detect_anomaly(True),
    "flush_denormal": flush_denormal,
    "deterministic": deterministic,
    "comma_locale": comma_locale,
    "saved_tensor_hooks": saved_tensors_hooks,
    "function_mode": function_mode,
    "dispatch_mode": dispatch_mode,
}


def explain_under(files, *contexts):
    """The network is loaded under the settings and used again without them."""
    clean = read_host_state()
    with contextlib.ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context())
        before = read_host_state()
        model = files.load()
        explain_all(files, model)
        require_same_state(before)
    require_same_state(clean)
    explain_and_compare(files, model, "grad-cam")
    explain_and_compare(files, model, workers=2)


def require_same_state(before):
    after = read_host_state()
    for name, value in before.items():
        assert after[name] == value, f"the host's {name} was {value} and is {after[name]}"


def explain_under_everything(files):
    explain_under(files, *CONTEXTS.values())


# --- inside PyTorch's own calls -------------------------------------------------------------------


def functions():
    """The module with vmap and grad."""
    try:
        import torch.func as module
    except ImportError:
        import functorch as module
    return module


def inside(transform):
    """A case that explains inside a function that PyTorch transforms."""

    def run(files):
        model = files.load()
        inputs = torch.ones(3)

        def body(value):
            explain_all(files, model)
            return (value * value).sum()

        before = transform(lambda value: (value * value).sum())(inputs)
        after = transform(body)(inputs)
        assert torch.equal(before, after), "the host's own result has changed"
        explain_all(files, model)

    return run


def traced(function):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # libtorch 2.14 says that this will go
        return torch.jit.trace(function, (torch.ones(3),), check_trace=False)


def backward_hook(function):
    """Explains while PyTorch computes gradients, in a hook."""

    def run(inputs):
        leaf = inputs.clone().requires_grad_()
        product = leaf * 2
        product.register_hook(lambda gradient: function(torch.ones(3)) * 0 + gradient)
        product.sum().backward()
        return leaf.grad

    return run


# --- callbacks and processes ----------------------------------------------------------------------


class Stop(Exception):
    """What a callback raises."""


def callback_explains(files):
    model, other = files.load(), files.load()
    for workers in (1, 2):

        def progress(number, workers=workers):
            if number <= 3:
                explain_and_compare(files, model, workers=workers)
                explain_and_compare(files, other, "ss-cam-mean", workers)

        explain_and_compare(files, model, workers=workers, progress=progress)


def callback_explains_measuring(files):
    model, other = files.load(), files.load()

    def progress(number):
        if number <= 3:
            explain(model, files.image, "ss-cam-mean", 2, calibrate=True)
            explain(other, files.image, "score-cam", 2, calibrate=True)

    explain(model, files.image, "score-cam", 2, progress, calibrate=True)


def callback_raises(files):
    model = files.load()

    def progress(number):
        if number == 2:
            raise Stop

    for calibrate in (False, True):
        try:
            explain(model, files.image, "score-cam", 2, progress, calibrate)
        except Stop:
            continue
        raise AssertionError("the callback's exception is lost")
    explain_all(files, model)


def callback_waits_for_thread(files):
    model = files.load()
    failures = []

    def explain_in_thread():
        try:
            explain_and_compare(files, model, workers=2)
        except BaseException as failure:  # raised by the main thread
            failures.append(failure)

    def progress(number):
        if number <= 2:
            thread = threading.Thread(target=explain_in_thread)
            thread.start()
            thread.join()

    explain_and_compare(files, model, workers=2, progress=progress)
    if failures:
        raise failures[0]


def explain_or_refuse(files, model):
    """What a forked process may do: explain, or say that it cannot."""
    signal.alarm(60)
    try:
        explain_all(files, model)
    except sscam.SscamError as failure:
        assert "fork" in str(failure), failure


def explain_in_fork(files, model):
    process = multiprocessing.get_context("fork").Process(
        target=explain_or_refuse, args=(files, model)
    )
    process.start()
    process.join()
    assert process.exitcode == 0, f"the child ended with {process.exitcode}"


def explain_then_fork(files):
    model = files.load()
    explain_all(files, model)
    explain_in_fork(files, model)
    explain_all(files, model)


def callback_forks(files):
    model = files.load()

    def progress(number):
        if number == 2:
            explain_in_fork(files, model)

    for workers in (1, 2):
        explain_and_compare(files, model, workers=workers, progress=progress)


def load_in_fork(files):
    explain_all(files, files.load())


def fork_then_load(files):
    process = multiprocessing.get_context("fork").Process(target=load_in_fork, args=(files,))
    process.start()
    process.join()
    assert process.exitcode == 0, f"the child ended with {process.exitcode}"


def setting(context):
    return lambda files: explain_under(files, context)


CASES = {
    "clean": lambda files: explain_under(files),
    **{name: setting(context) for name, context in CONTEXTS.items()},
    "all_settings": explain_under_everything,
    "vmap": inside(lambda function: functions().vmap(function)),
    "grad": inside(lambda function: functions().grad(function)),
    "jit_trace": inside(traced),
    "backward_hook": inside(backward_hook),
    "callback_explains": callback_explains,
    "callback_explains_measuring": callback_explains_measuring,
    "callback_raises": callback_raises,
    "callback_waits_for_thread": callback_waits_for_thread,
    "callback_forks": callback_forks,
    "explain_then_fork": explain_then_fork,
    "fork_then_load": fork_then_load,
}


def main(arguments):
    if arguments == ["--list"]:
        print("\n".join(CASES))
        return
    case, *files = arguments
    signal.alarm(MOST_SECONDS)
    CASES[case](Files(*files))


if __name__ == "__main__":
    main(sys.argv[1:])
