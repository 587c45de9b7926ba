"""Tries files in forked processes with limits on time and memory, counts the outcomes and keeps
the findings.

A process tries a batch of files, since the first of a process takes ten times as long as the
others. What ends a process is tried again in one of its own, which tells whose fault it is; the
rest of the batch goes to the next process.
"""

import collections
import contextlib
import hashlib
import io
import json
import os
import resource
import signal
import time

import crash_origin

DEFAULT_SHAPE = (1, 3, 12, 12)
CPU_SECONDS, WALL_SECONDS = 20, 120
MEMORY = 2 << 30
BROKEN, FAILED_ITSELF = 3, 4
BATCH = 100
OWN_FAILURES = {"broken promise", "crash: own", "crash: unknown", "only after others"}


def address_space():
    with open("/proc/self/statm", encoding="ascii") as figures:
        return int(figures.read().split()[0]) * resource.getpagesize()


def limit_time():
    """Of the next file: what the process has used does not count."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + CPU_SECONDS, hard))
    signal.alarm(WALL_SECONDS)


def text_of(file):
    os.lseek(file, 0, os.SEEK_SET)
    with open(file, "rb") as stream:
        return stream.read().decode("utf-8", "replace")


class TrialRunner:
    """`trial(content, path, shape, say)` tries one file, which may be written to `path`; raises
    AssertionError when a promise is broken."""

    def __init__(self, folder, trial, in_child=lambda: None):
        self.folder, self.trial, self.in_child = folder, trial, in_child
        (folder / "findings").mkdir(parents=True, exist_ok=True)
        self.input = folder / "input.pt"
        self.outcomes = collections.Counter()
        self.findings = set()
        self.failures = 0

    def confine(self, errors):
        """In the child: limits, no output, and a trace when it crashes."""
        resource.setrlimit(resource.RLIMIT_AS, (address_space() + MEMORY,) * 2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 24,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        os.dup2(errors, 2)
        self.in_child()

    def child(self, inputs, report, errors):
        self.confine(errors)

        def say(*words):
            os.write(report, (json.dumps(words) + "\n").encode())

        try:
            for content, shape in inputs:
                say("begin")
                limit_time()
                self.input.write_bytes(content)
                self.trial(content, self.input, shape, say)
            os._exit(0)
        except AssertionError as broken:
            say("broken", str(broken))
            os._exit(BROKEN)
        except BaseException as fault:  # the child must not continue as a second parent
            say("broken", f"the trial itself: {fault!r}")
            os._exit(FAILED_ITSELF)

    def run(self, inputs):
        """(exit code or minus the signal, what was said of each that began, standard error)"""
        report, errors = os.memfd_create("report"), os.memfd_create("errors")
        process = os.fork()
        if process == 0:
            self.child(inputs, report, errors)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        said = []
        for words in map(json.loads, text_of(report).splitlines()):
            if words == ["begin"]:
                said.append([])
            else:
                said[-1].append(words)
        return code, said or [[]], text_of(errors)

    def keep(self, content, kind, what, errors):
        """Saves an input, its outcome and standard error; only the first of each kind. The path
        without its ending."""
        name = f"{kind}-{hashlib.sha1(what.encode()).hexdigest()[:8]}"
        path = self.folder / "findings" / name
        if what not in self.findings:
            self.findings.add(what)
            path.with_suffix(".pt").write_bytes(content)
            path.with_suffix(".txt").write_text(f"{what}\n\n{errors}", encoding="utf-8")
            print(f"{name}: {what}", flush=True)
        return path

    def count(self, kind):
        self.outcomes[kind] += 1
        self.failures += kind in OWN_FAILURES
        return kind

    def classify(self, content, code, said, errors):
        """Counts an outcome; keeps the input unless every call returned a status."""
        last_step = [words[1] for words in said if words[0] == "step"][-1:]
        if code == 0:
            results = {words[0]: words[1] for words in said if words[0] != "step"}
            return self.count(
                results["load"]
                if results["load"] != "SSCAM_OK"
                else "explained"
                if "SSCAM_OK" in (results["grad-cam"], results["score-cam"])
                else "loaded, not explained"
            )
        if code in (BROKEN, FAILED_ITSELF):
            self.keep(content, "own-promise", said[-1][1], errors)
            return self.count("broken promise")
        if code in (-signal.SIGALRM, -signal.SIGKILL, -signal.SIGXCPU):
            self.keep(content, "slow", f"in {last_step}: {crash_origin.location(errors)}", errors)
            return self.count("too long")
        origin = crash_origin.origin(errors)
        what = f"signal {-code} in {last_step}: {crash_origin.location(errors)}"
        self.keep(content, f"crash-{origin}", what, errors)
        return self.count(f"crash: {origin}")

    def attempt(self, content, shape=DEFAULT_SHAPE):
        """Tries one file in a process of its own."""
        code, said, errors = self.run([(content, shape)])
        return self.classify(content, code, said[-1], errors)

    def attempt_again(self, inputs, code, said, errors):
        """The last of `inputs` ended a process. Where it does not do so alone, one of those before
        it did the damage: they are all kept."""
        content, shape = inputs[-1]
        alone, heard, complaint = self.run([(content, shape)])
        if alone != 0:
            self.classify(content, alone, heard[-1], complaint)
            return
        what = f"code {code} after others: {said} {crash_origin.location(errors)}"
        path = self.keep(content, "after-others", what, errors)
        for number, (earlier, _) in enumerate(inputs):
            path.with_name(f"{path.name}-{number}.pt").write_bytes(earlier)
        self.count("only after others")

    def attempt_batch(self, inputs):
        """Tries pairs of a file and a shape, in as few processes as there are faults."""
        while inputs:
            code, said, errors = self.run(inputs)
            done = len(said) - (code != 0)
            for (content, _), words in zip(inputs[:done], said[:done], strict=True):
                self.classify(content, 0, words, "")
            if code != 0:
                self.attempt_again(inputs[: done + 1], code, said[-1], errors)
                done += 1
            inputs = inputs[done:]

    def summary(self, began):
        total = sum(self.outcomes.values())
        print(f"{total} inputs in {(time.monotonic() - began) / 60:.1f} minutes")
        for kind, count in self.outcomes.most_common():
            print(f"  {count:8} {kind}")


def self_test(folder):
    """Fails unless each of a batch is counted once, whatever happens to the process."""
    seen = []

    def trial(content, _path, _shape, say):
        say("load", "SSCAM_E_FORMAT")
        seen.append(content)
        assert content != b"broken", "as it is told to"
        if content == b"crash" or (content == b"last" and b"spoils" in seen):
            os.abort()

    runner = TrialRunner(folder / "self-test", trial)
    words = (b"fine", b"crash", b"fine", b"broken", b"spoils", b"last", b"fine")
    with contextlib.redirect_stdout(io.StringIO()):
        runner.attempt_batch([(word, DEFAULT_SHAPE) for word in words])
    wanted = {
        "SSCAM_E_FORMAT": 4,
        "crash: unknown": 1,
        "broken promise": 1,
        "only after others": 1,
    }
    assert runner.outcomes == wanted, runner.outcomes
