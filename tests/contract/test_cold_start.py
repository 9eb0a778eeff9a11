"""What a cold start of each function loads, and what the layer has of AWS."""

import json
import os
import re
import subprocess
import sys

import pytest
from botocore import xform_name
from botocore.session import get_session

from behaviour.rows import rows
from local_stack.stack import BUILD, LAYER, MEASURE, PEOPLE, REPORT, ROOT
from local_stack.stack import FUNCTION as WATCH

READY = {
    "check": (WATCH, "import restore_watch.handler"),
    "sweep": (WATCH, "import restore_watch.handler as door; door.application.sweeper()"),
    "notice": (PEOPLE, "import notify_people.handler"),
    "report": (REPORT, "import restore_watch.report_handler"),
    "measure": (MEASURE, "import restore_watch.measure_handler"),
}
"""Each function, and how it gets ready for an invocation. Nothing is called."""

NOT_NEEDED = {
    "check": {
        "jinja2",
        "restore_watch.asking",
        "restore_watch.atlas.listed_tags",
        "restore_watch.diagnosis",
        "restore_watch.event.action_fields",
        "restore_watch.event.sqs_record",
        "restore_watch.event.wait_fields",
        "restore_watch.measuring",
        "restore_watch.model.fixes_of_errors",
        "restore_watch.model.cluster_tags",
        "restore_watch.model.measurement",
        "restore_watch.model.validation",
        "restore_watch.report",
        "restore_watch.sweep",
        "restore_watch.table.measurement_entry",
        "restore_watch.table.validation_entry",
    },
    "sweep": {
        "jinja2",
        "restore_watch.diagnosis",
        "restore_watch.measuring",
        "restore_watch.report",
    },
    "measure": {
        "jinja2",
        "notify_people",
        "restore_watch.diagnosis",
        "restore_watch.report",
        "restore_watch.sweep",
    },
    "notice": {"cachetools", "jinja2", "restore_watch"},
    "report": {"notify_people", "restore_watch.diagnosis", "restore_watch.sweep"},
}
"""The rooms and libraries that a cold start leaves alone. A library takes 3 to 60 ms of INIT."""

MODELS_OF_A_CHECK = {
    "foundation.environment",
    "foundation.outside",
    "restore_watch.atlas.read_restore_job",
    "restore_watch.event.event_fields",
    "restore_watch.event.target_fields",
    "restore_watch.model.restore_job",
    "restore_watch.settings",
    "restore_watch.table.job_item",
}
"""The files of the models that a check of a running restore needs. A model takes 1 ms of INIT."""

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:atlas-abcdef"
TOPIC = "arn:aws:sns:us-east-1:123456789012:topic"
VARIABLES = {
    **dict.fromkeys(("ATLAS_SECRET_ID", "NOTIFY_SECRET_ID"), SECRET),
    **dict.fromkeys(("TABLE_NAME", "SENT_TABLE_NAME", "REPORT_BUCKET"), "name"),
    **dict.fromkeys(("TOPIC_ARN", "CHAT_TOPIC_ARN"), TOPIC),
    **dict.fromkeys(("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"), "stack"),
    **dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), "us-east-1"),
    **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "none"),
    "POWERTOOLS_LOG_LEVEL": "INFO",
}


ALL_MODULES = """
import sys
names = list(sys.modules)
"""

MODULES_WITH_MODELS = """
from pydantic import BaseModel
forms, names = [BaseModel], []
while forms:
    models = forms.pop().__subclasses__()
    forms += models
    names += [model.__module__ for model in models]
"""


def names_in(door: str, collect: str = ALL_MODULES) -> set[str]:
    """Return the names that code collects in a fresh process, with the function as it was built."""
    function, start = READY[door]
    path = os.pathsep.join(map(str, (BUILD / function, BUILD / LAYER / "python")))
    # Without what is installed here beside the layer.
    code = f"{start}\n{collect}\nimport json\nprint(json.dumps(names))"
    command = (sys.executable, "-S", "-c", code)
    environment = VARIABLES | {"PYTHONPATH": path}
    done = subprocess.run(  # noqa: S603 - our own code
        command, env=environment, capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("door", rows({door: door for door in READY}, "check", "sweep", "notice"))
def test_a_cold_start_loads_nothing_that_it_does_not_need(door: str) -> None:
    modules = names_in(door)

    assert "pydantic" in modules
    assert not modules & NOT_NEEDED[door]


def test_a_check_builds_only_the_models_that_it_reads_with() -> None:
    assert names_in("check", MODULES_WITH_MODELS) == MODELS_OF_A_CHECK


def test_the_layer_has_the_operations_of_aws_that_the_code_names_and_no_others() -> None:
    """And HeadBucket, with which botocore looks for the region of a bucket."""
    code = "".join(path.read_text() for path in (ROOT / "functions").rglob("*.py"))
    named = set(re.findall(r"(?:[.]|\")([a-z]+(?:_[a-z]+)*)\b", code)) | {"head_bucket"}
    layer, models = BUILD / LAYER / "python/botocore/data", get_session()
    kept = {path.parts[-3]: json.loads(path.read_text()) for path in layer.rglob("service-2.json")}

    assert {name: set(model["operations"]) for name, model in kept.items()} == {
        name: {
            operation
            for operation in models.get_service_model(name).operation_names
            if xform_name(operation) in named
        }
        for name in kept
    }
