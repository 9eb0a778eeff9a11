"""The real Lambda runtime on this machine, with a small handler."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local_stack.runtime import Environment, LambdaRuntime, Outcome

pytestmark = pytest.mark.timeout(30)

HANDLER = """
import os, sys, time
from words import greeting

calls = 0

class MeltedError(Exception):
    pass

def handle(event, context):
    global calls
    calls += 1
    print("said", greeting, flush=True)
    match event:
        case {"do": "raise"}:
            raise MeltedError("it is too hot")
        case {"do": "exit"}:
            os._exit(3)
        case {"do": "hang"}:
            time.sleep(60)
        case {"do": "environment"}:
            files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
            return {"variables": dict(os.environ), "files": [file for file in files if file]}
    return {"calls": calls, "process": os.getpid(), "left": context.get_remaining_time_in_millis()}
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A function folder and a layer folder as `sam build` lays them out."""
    build = tmp_path_factory.mktemp("build")
    code, layer = build / "Function", build / "Layer"
    (layer / "python").mkdir(parents=True)
    code.mkdir()
    (code / "small.py").write_text(HANDLER)
    (layer / "python" / "words.py").write_text("greeting = 'hello'")
    return Environment(
        code=code,
        layer=layer,
        handler="small.handle",
        variables={"WORD": "yes"},
        name="small",
        timeout_seconds=3,
        memory_megabytes=256,
    )


@pytest.fixture
def runtime(environment: Environment) -> Iterator[LambdaRuntime]:
    with LambdaRuntime(environment) as runtime:
        yield runtime


def processes_of(runtime: LambdaRuntime) -> set[int]:
    """The processes that still run in this environment's folder."""
    folder, found = str(runtime.environment.code), set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str((process / "cwd").readlink()) == folder:
                found.add(int(process.name))
        except OSError:
            continue
    return found


def test_nothing_comes_from_the_tests(
    runtime: LambdaRuntime, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    said = runtime.invoke({"do": "environment"}).result
    variables = said["variables"]

    assert "AWS_PROFILE" not in variables
    assert "/somewhere" not in variables["PYTHONPATH"]
    assert (variables["WORD"], variables["TZ"]) == ("yes", ":UTC")
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "small"
    assert variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert [file for file in said["files"] if "/site-packages/" in file] == []
    assert any(file.endswith("words.py") for file in said["files"])
    assert not list(environment.code.parent.rglob("*.pyc"))


@pytest.mark.parametrize(
    ("do", "outcome", "error", "message", "calls"),
    [
        ("raise", Outcome.ERROR, "MeltedError", "it is too hot", 2),
        ("exit", Outcome.CRASH, "Runtime.ExitError", "exit status 3", 1),
        ("hang", Outcome.TIMEOUT, "Sandbox.Timedout", "Task timed out after 3.00 seconds", 1),
    ],
)
def test_a_crash_and_a_timeout_end_the_process_and_an_error_does_not(
    runtime: LambdaRuntime, do: str, outcome: Outcome, error: str, message: str, calls: int
) -> None:
    invocation = runtime.invoke({"do": do})

    assert (invocation.outcome, invocation.error_type) == (outcome, error)
    assert message in (invocation.error_message or "")
    with pytest.raises(AssertionError, match=error):
        _ = invocation.result
    assert runtime.invoke({}).result["calls"] == calls


def test_a_kill_ends_every_process_at_once(runtime: LambdaRuntime) -> None:
    with ThreadPoolExecutor(1) as threads:
        invocation = threads.submit(runtime.invoke, {"do": "hang"})
        while not runtime.logs():
            time.sleep(0.005)
        assert len(processes_of(runtime)) == 2

        runtime.kill()
        assert processes_of(runtime) == set()
        assert invocation.result(timeout=5).crashed

    assert runtime.invoke({}).result["calls"] == 1
