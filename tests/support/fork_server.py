"""Runs a program many times for the price of starting it once: see fork_server.c."""

import array
import os
import signal
import socket
import struct
import subprocess
import tempfile


class ForkServer:
    """Runs `program` as subprocess.run does, by copies of one that has loaded its libraries.
    Without `preload`, the library of fork_server.c, every run starts anew."""

    def __init__(self, program, preload):
        self.program, self.preload = str(program), preload
        self.process = self.socket = None

    def run(
        self, arguments, cwd=None, stdin=None, stdout=None, stderr=None, timeout=None, **options
    ):
        """The completed process. A run in another environment starts anew."""
        words = [self.program, *map(str, arguments)]
        message = b"".join(os.fsencode(word) + b"\0" for word in [cwd or os.getcwd(), *words])
        if not self.preload or len(message) > 100_000 or set(options) - {"text"}:
            return subprocess.run(
                words,
                cwd=cwd,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                timeout=timeout,
                check=False,
                **options,
            )
        with (
            tempfile.TemporaryFile() as output,
            tempfile.TemporaryFile() as errors,
            open(os.devnull, "r+b") as null,
        ):
            streams = [
                {None: default, subprocess.PIPE: captured, subprocess.DEVNULL: null}.get(
                    stream, stream
                )
                for stream, default, captured in (
                    (stdin, 0, null),
                    (stdout, 1, output),
                    (stderr, 2, errors),
                )
            ]
            code = self._run(
                message,
                [stream.fileno() if hasattr(stream, "fileno") else stream for stream in streams],
                timeout,
            )
            return subprocess.CompletedProcess(
                words,
                code,
                *(
                    self._text(file, options) if stream is subprocess.PIPE else None
                    for stream, file in ((stdout, output), (stderr, errors))
                ),
            )

    def _run(self, message, streams, timeout):
        self._start()
        self.socket.sendmsg(
            [message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", streams))]
        )
        (process,) = struct.unpack("i", self.socket.recv(4))
        self.socket.settimeout(timeout)
        try:
            (status,) = struct.unpack("i", self.socket.recv(4))
        except TimeoutError:
            os.kill(process, signal.SIGKILL)
            self.socket.settimeout(None)
            self.socket.recv(4)
            raise subprocess.TimeoutExpired(message, timeout) from None
        return os.waitstatus_to_exitcode(status)

    def _start(self):
        if self.socket is None:
            self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                environment = os.environ | {
                    "LD_PRELOAD": self.preload,
                    "SSCAM_FORK_SERVER": str(theirs.fileno()),
                }
                self.process = subprocess.Popen(
                    [self.program], env=environment, pass_fds=[theirs.fileno()]
                )

    @staticmethod
    def _text(file, options):
        file.seek(0)
        content = file.read()
        return content.decode() if options.get("text") else content
