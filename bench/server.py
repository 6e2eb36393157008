"""The product under measurement: gunicorn with one worker, its CPU time read from the kernel."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.parts import free_port

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")


class Measured:
    """A served application; cpu() sums the processes below it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port
        self.connection = HTTPConnection("127.0.0.1", port, timeout=60)

    def workers(self) -> list[int]:
        """Process ids of the workers (children of the one started)."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def cpu(self) -> float:
        """Seconds of CPU, user and system, that the workers have used."""
        total = 0
        for pid in self.workers():
            fields = Path(f"/proc/{pid}/schedstat").read_text().split()
            total += int(fields[0])
            for task in Path(f"/proc/{pid}/task").iterdir():
                if task.name != str(pid):
                    total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def memory(self) -> float:
        """MiB resident in the largest worker, shared pages included."""
        sizes = []
        for pid in self.workers():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    sizes.append(int(line.split()[1]) / 1024)
        return max(sizes)

    def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request on the kept connection: status, headers, content."""
        try:
            self.connection.request(method, path, body=body, headers=dict(headers or {}))
            response = self.connection.getresponse()
        except (OSError, HTTPException):
            self.connection.close()  # the kept connection was closed; the next request opens a new one
            raise
        content = response.read()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, content


@contextmanager
def serve(command: list[str], environ: Mapping[str, str], ready: str) -> Iterator[Measured]:
    """Start command (it must serve on PORT of its environment) and wait until ready answers 200."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, **environ, "PORT": str(port), "WEB_CONCURRENCY": "1"},
        cwd=ROOT,
    )
    measured = Measured(process, port)
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                if measured.request("GET", ready)[0] == 200:
                    break
            except (OSError, HTTPException):
                time.sleep(0.05)
        else:
            raise SystemExit(f"{command} did not start")
        yield measured
    finally:
        process.terminate()
        process.wait(20)
