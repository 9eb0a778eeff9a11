"""
The real Lambda runtime, one for each execution environment.

AWS's Runtime Interface Emulator, and in it AWS's Python client with the built function.
"""

import json
import os
import platform
import queue
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Self

import httpx
from packaging.requirements import Requirement

from local_stack.loopback import free_port, wait_until_listening

_INVOKE = "/2015-03-31/functions/function/invocations"
_TIMED_OUT = re.compile(r"Task timed out after \d+\.\d\d seconds")
_INIT_REPORT = re.compile(r"INIT REPORT\(durationMs: (?P<milliseconds>[\d.]+)\)")
_PLATFORM_LINE = re.compile(
    r"(START|END|REPORT) RequestId: |\d\d \w{3} \d{4} [\d:,]+ \[\w+\] \(rapid\)"
)
_EXECUTABLES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_MEASURED = Path(__file__).with_name("measured.py")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Outcome(Enum):
    RESULT = "result"
    ERROR = "error"
    TIMEOUT = "timeout"
    CRASH = "crash"


@dataclass(frozen=True)
class Invocation:
    """How an invocation ended. `payload` is the result, or the error as Lambda words it."""

    outcome: Outcome
    payload: Any
    milliseconds: float

    @property
    def result(self) -> Any:
        """The handler's result. Raises AssertionError if the invocation failed."""
        assert self.outcome is Outcome.RESULT, self
        return self.payload

    @property
    def error_type(self) -> str | None:
        return None if self.outcome is Outcome.RESULT else self.payload["errorType"]

    @property
    def error_message(self) -> str | None:
        return None if self.outcome is Outcome.RESULT else self.payload["errorMessage"]

    @property
    def crashed(self) -> bool:
        return self.outcome is Outcome.CRASH


@dataclass(frozen=True)
class Environment:
    """
    Everything that an execution environment gets.

    `coverage` names the file beside which `local_stack.measured` writes its counts.
    """

    code: Path
    layer: Path
    handler: str
    variables: Mapping[str, str]
    name: str = "function"
    timeout_seconds: int = 3
    memory_megabytes: int = 128
    coverage: str | None = None

    @property
    def _counting(self) -> dict[str, str]:
        """What `local_stack.measured` reads."""
        if self.coverage is None:
            return {}
        return {"COVERAGE_FILE": self.coverage, "COUNTED_HANDLER": self.handler}

    def process_variables(self, runtime: Path) -> dict[str, str]:
        """Return the environment variables, with the paths in Lambda's order: the layer first."""
        python = self.layer / "python"
        paths = (python / "lib/python3.13/site-packages", python, runtime)
        return {
            "PATH": os.defpath,
            "HOME": str(runtime),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            # Lambda's folders are read-only: a module without bytecode is compiled at every start.
            "PYTHONDONTWRITEBYTECODE": "1",
            "LAMBDA_TASK_ROOT": str(self.code),
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self.timeout_seconds),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_megabytes),
            **self.variables,
            **self._counting,
        }


class LambdaRuntime:
    """One execution environment. It starts when it is first invoked, and again after a kill."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self._http = httpx.Client(timeout=environment.timeout_seconds + 30, trust_env=False)
        self._one_call = threading.Lock()
        self._starting = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="lambda-runtime-")
        self._process: subprocess.Popen[bytes] | None = None
        self._address = ""
        self._output = Path(self._folder.name) / "output"
        self._output.touch()
        self._read = 0
        _link(self._runtime_folder, "awslambdaric")
        if environment.coverage:
            _link(self._runtime_folder, "coverage")
            (self._runtime_folder / _MEASURED.name).symlink_to(_MEASURED)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._http.close()
        self._folder.cleanup()

    def invoke(self, event: Any) -> Invocation:
        """Invoke the function. As in Lambda, one call at a time: a second caller waits."""
        with self._one_call:
            self._start()
            begun = time.perf_counter()
            try:
                # Not `json=event`, which sends nothing for None.
                answer = self._http.post(f"{self._address}{_INVOKE}", content=json.dumps(event))
            except httpx.TransportError as error:
                payload = {"errorType": "Killed", "errorMessage": type(error).__name__}
                return Invocation(Outcome.CRASH, payload, _since(begun))
            return _invocation(answer, _since(begun))

    def kill(self) -> None:
        """Send SIGKILL to all processes of the environment, at any moment, from any thread."""
        with self._starting:
            if self._process is None:
                return
            # Stopped first, so that it starts no new process while they are killed.
            self._process.send_signal(signal.SIGSTOP)
            for pid in self._children():
                with suppress(ProcessLookupError):
                    _kill_group(pid)
            self._process.kill()
            self._process.wait()
            self._process = None

    def crash(self) -> None:
        """Send SIGKILL to the function's process, of which Lambda tells the caller."""
        for pid in self._children():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def freeze(self) -> None:
        """Send SIGSTOP to the function's process; then only a kill or Lambda's timeout ends it."""
        for pid in self._children():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def restart(self) -> None:
        """The next invocation is a cold start."""
        self.kill()

    def logs(self) -> str:
        """Return what the function wrote since the last call, without the platform's lines."""
        with self._output.open(errors="replace") as output:
            output.seek(self._read)
            text = output.read()
            self._read = output.tell()
        lines = text.splitlines(keepends=True)
        return "".join(line for line in lines if not _PLATFORM_LINE.match(line))

    @property
    def init_milliseconds(self) -> float | None:
        """The duration of the latest INIT, as the emulator reports it."""
        reports = _INIT_REPORT.findall(self._output.read_text(errors="replace"))
        return float(reports[-1]) if reports else None

    @property
    def cpu_seconds(self) -> float:
        """Processor time of the function's process since its start, user and system."""
        total = 0
        for pid in self._children():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / _TICKS_PER_SECOND

    @property
    def _handler(self) -> str:
        measured = f"{_MEASURED.stem}.lambda_handler"
        return measured if self.environment.coverage else self.environment.handler

    @property
    def _runtime_folder(self) -> Path:
        return Path(self._folder.name) / "runtime"

    def _children(self) -> list[int]:
        """Return the function's processes, which have a process group apart from the emulator's."""
        if self._process is None:
            return []
        children = list[int]()
        for file in Path(f"/proc/{self._process.pid}/task").glob("*/children"):
            with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
                children += map(int, file.read_text().split())
        return children

    def _start(self) -> None:
        """Start the emulator. If another process is faster and takes its port, try another one."""
        with self._starting:
            for _ in range(3):
                if self._process is not None and self._process.poll() is None:
                    return
                port, api_port = free_port(), free_port()
                self._process = self._emulate(port, api_port)
                self._address = f"http://127.0.0.1:{port}"
                wait_until_listening(port, self._process)
        raise RuntimeError("the Runtime Interface Emulator did not start")

    def _emulate(self, port: int, api_port: int) -> subprocess.Popen[bytes]:
        command = [
            _emulator(),
            *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
            *("--runtime-api-address", f"127.0.0.1:{api_port}"),
            *(sys.executable, "-S", "-m", "awslambdaric", self._handler),
        ]
        with self._output.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - the command is made above
                command,
                cwd=self.environment.code,
                env=self.environment.process_variables(self._runtime_folder),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )


class RuntimePool:
    """Execution environments. Each call takes a free one, the last used first."""

    def __init__(self, size: int, environment: Environment) -> None:
        self.runtimes = tuple(LambdaRuntime(environment) for _ in range(size))
        self._free: queue.LifoQueue[LambdaRuntime] = queue.LifoQueue()
        for runtime in reversed(self.runtimes):
            self._free.put(runtime)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for runtime in self.runtimes:
            runtime.__exit__()

    def invoke(self, event: Any) -> Invocation:
        runtime = self._free.get()
        try:
            return runtime.invoke(event)
        finally:
            self._free.put(runtime)

    def restart(self) -> None:
        for runtime in self.runtimes:
            runtime.restart()

    def logs(self) -> str:
        return "".join(runtime.logs() for runtime in self.runtimes)


def _since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000


def _invocation(answer: httpx.Response, milliseconds: float) -> Invocation:
    """Read the emulator's answer. A handler's error is a 200 as well; its payload shows it."""
    if _TIMED_OUT.fullmatch(answer.text):
        payload = {"errorType": "Sandbox.Timedout", "errorMessage": answer.text}
        return Invocation(Outcome.TIMEOUT, payload, milliseconds)
    payload = answer.json()
    if answer.is_error:
        return Invocation(Outcome.CRASH, payload, milliseconds)
    is_error = isinstance(payload, dict) and {"errorType", "errorMessage"} <= payload.keys()
    return Invocation(Outcome.ERROR if is_error else Outcome.RESULT, payload, milliseconds)


def _emulator() -> str:
    folder = Path(str(distribution("aws-sam-cli").locate_file("samcli/local/rapid")))
    return str(folder / f"aws-lambda-rie-{_EXECUTABLES[platform.machine().lower()]}")


def _link(folder: Path, package: str) -> None:
    """Link this package and those it requires, and nothing else, into a folder."""
    folder.mkdir(exist_ok=True)
    wanted, linked = [package], set[str]()
    while wanted:
        name = wanted.pop()
        if name in linked:
            continue
        linked.add(name)
        dist = distribution(name)
        wanted += [Requirement(line).name for line in dist.requires or () if "extra" not in line]
        for top in {file.parts[0] for file in dist.files or ()}:
            if not top.endswith((".dist-info", "..", "__pycache__")):
                (folder / top).symlink_to(Path(str(dist.locate_file(top))))


def _kill_group(leader: int) -> None:
    """Return when the leader is dead, which on a busy machine is later than its signal is sent."""
    ended = os.pidfd_open(leader)
    try:
        for send in (os.kill, os.killpg):
            with suppress(ProcessLookupError):
                send(leader, signal.SIGKILL)
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.poll(5_000)
    finally:
        os.close(ended)
