"""The real Lambda runtime on this machine, with a small handler."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from local_stack.aws import AwsEmulator
from local_stack.bridge import bridged
from local_stack.loopback import LoopbackServer
from local_stack.runtime import Environment, LambdaRuntime, Outcome, RuntimePool
from local_stack.template import make_stack, translated
from local_stack.wire import Wire

pytestmark = pytest.mark.timeout(30)

HANDLER = """
import os, sys, threading, time, urllib.request
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
        case {"do": "compute"}:
            until = time.process_time() + 0.05
            while time.process_time() < until:
                pass
        case {"do": "environment"}:
            return dict(os.environ)
        case {"do": "modules"}:
            return {"path": sys.path, "files": [
                file for module in list(sys.modules.values())
                if (file := getattr(module, "__file__", None))
            ]}
        case {"do": "ask", "url": url}:
            return urllib.request.urlopen(url).read().decode()
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
        timeout_seconds=1,
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


def test_a_process_keeps_its_state_between_invocations(runtime: LambdaRuntime) -> None:
    first, second = (runtime.invoke({}).result for _ in range(2))

    assert (first["calls"], second["calls"]) == (1, 2)
    assert first["process"] == second["process"]


def test_the_handler_has_the_configured_timeout(runtime: LambdaRuntime) -> None:
    runtime.invoke({})

    assert 900 < runtime.invoke({}).result["left"] <= 1000


def test_no_variable_comes_from_the_tests(
    runtime: LambdaRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    variables = runtime.invoke({"do": "environment"}).result

    assert "AWS_PROFILE" not in variables
    assert "/somewhere" not in variables["PYTHONPATH"]
    assert variables["WORD"] == "yes"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "small"
    assert variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert variables["TZ"] == ":UTC"


def test_no_module_comes_from_the_tests(runtime: LambdaRuntime) -> None:
    modules = runtime.invoke({"do": "modules"}).result

    assert not [entry for entry in modules["path"] if "site-packages" in Path(entry).parts[:-1]]
    outside = [file for file in modules["files"] if "/site-packages/" in file]
    assert outside == []
    assert any(file.endswith("words.py") for file in modules["files"])


def test_no_bytecode_is_written_to_the_built_folders(
    runtime: LambdaRuntime, environment: Environment
) -> None:
    runtime.invoke({})

    assert not list(environment.code.rglob("*.pyc"))
    assert not list(environment.layer.rglob("*.pyc"))


def test_an_error_has_its_class_and_message(runtime: LambdaRuntime) -> None:
    invocation = runtime.invoke({"do": "raise"})

    assert invocation.outcome is Outcome.ERROR
    assert (invocation.error_type, invocation.error_message) == ("MeltedError", "it is too hot")
    with pytest.raises(AssertionError, match="MeltedError"):
        _ = invocation.result


def test_a_process_that_exits_has_crashed(runtime: LambdaRuntime) -> None:
    invocation = runtime.invoke({"do": "exit"})

    assert invocation.crashed
    assert invocation.error_type == "Runtime.ExitError"
    assert runtime.invoke({}).result["calls"] == 1


def test_a_timeout_ends_the_process(runtime: LambdaRuntime) -> None:
    invocation = runtime.invoke({"do": "hang"})

    assert invocation.timed_out
    assert invocation.error_message == "Task timed out after 1.00 seconds"
    assert runtime.invoke({}).result["calls"] == 1


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


def test_a_kill_during_a_call_ends_the_process(runtime: LambdaRuntime) -> None:
    wire = Wire(Request.application(lambda _: Response("too late")), lambda _: ("word", "ask"))
    with (
        LoopbackServer(wire) as server,
        ThreadPoolExecutor(1) as threads,
        wire.listen(lambda _, phase: runtime.kill() if phase == "after" else None),
    ):
        event = {"do": "ask", "url": server.url}
        invocation = threads.submit(runtime.invoke, event).result(timeout=5)

    assert invocation.crashed
    assert wire.count() == 1


def test_logs_are_what_the_function_wrote_since_the_last_call(runtime: LambdaRuntime) -> None:
    runtime.invoke({})
    assert runtime.logs() == "said hello\n"
    assert runtime.logs() == ""

    runtime.invoke({"do": "raise"})
    assert "MeltedError" in runtime.logs()


def test_the_emulator_reports_the_duration_of_init(runtime: LambdaRuntime) -> None:
    before = runtime.init_milliseconds
    runtime.invoke({})
    after = runtime.init_milliseconds

    assert before is None
    assert after is not None
    assert 5 < after < 5000


def test_processor_time_counts_only_the_function(runtime: LambdaRuntime) -> None:
    runtime.invoke({})
    before = runtime.cpu_seconds
    runtime.invoke({"do": "compute"})

    assert 0.03 <= runtime.cpu_seconds - before < 0.5


def test_a_pool_runs_one_call_in_each_environment_at_once(environment: Environment) -> None:
    together = threading.Barrier(3, timeout=10)

    def meet(_: Request) -> Response:
        together.wait()
        return Response("met")

    with (
        LoopbackServer(Request.application(meet)) as server,
        RuntimePool(3, environment) as pool,
        ThreadPoolExecutor(3) as threads,
    ):
        event = {"do": "ask", "url": server.url}
        answers = list(threads.map(lambda _: pool.invoke(event).result, range(3)))

    assert answers == ["met"] * 3


def test_a_pool_prefers_a_warm_environment(environment: Environment) -> None:
    with RuntimePool(3, environment) as pool:
        processes = {pool.invoke({}).result["process"] for _ in range(3)}
        assert len(processes) == 1

        pool.restart()
        assert pool.invoke({}).result["process"] not in processes


TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Small:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/
      Handler: small.handle
      Runtime: python3.13
      MemorySize: 256
      Timeout: 1
      Events:
        Requests:
          Type: SQS
          Properties: { Queue: !GetAtt Requests.Arn }
  Requests:
    Type: AWS::SQS::Queue
"""


@pytest.fixture
def bridge(
    environment: Environment, tmp_path: Path
) -> Iterator[tuple[AwsEmulator, Any, list[Any]]]:
    """An AWS whose one function runs in the real runtime; what it is invoked with is listed."""
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    events: list[Any] = []
    with AwsEmulator() as aws, RuntimePool(1, environment) as pool:
        stack = make_stack(aws, translated(tmp_path / "template.yaml", {}), {})

        with bridged(lambda event: events.append(event) or pool.invoke(event)):  # type: ignore[func-returns-value]
            yield aws, stack.resources, events


def test_invoke_runs_the_real_function(bridge: tuple[AwsEmulator, Any, list[Any]]) -> None:
    aws, resources, _ = bridge
    invoke = aws.client("lambda").invoke
    answered = invoke(FunctionName=resources["Small"], Payload=b"{}")
    failed = invoke(FunctionName=resources["Small"], Payload=b'{"do": "raise"}')

    assert json.load(answered["Payload"])["calls"] == 1
    assert "FunctionError" not in answered
    assert json.load(failed["Payload"])["errorType"] == "MeltedError"
    assert failed["FunctionError"] == "Unhandled"
