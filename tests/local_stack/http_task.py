"""
Step Functions' HTTP Task, which moto's interpreter lacks: a real call with a connection's token.

What it is made of is moto's own and private, which is why moto is pinned.
"""

import json
from typing import Any, override

import httpx
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    ResourceRuntimePart,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (  # noqa: E501
    StateTaskService,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.boto_client import boto_client_for

_PARAMETERS = {
    "ApiEndpoint",
    "Method",
    "InvocationConfig",
    "Headers",
    "QueryParameters",
    "RequestBody",
}


class HttpTask(StateTaskService):
    @override
    def _get_supported_parameters(self) -> set[str] | None:
        return _PARAMETERS

    @override
    def _eval_service_task(
        self,
        env: Environment,
        resource_runtime_part: ResourceRuntimePart,
        normalised_parameters: dict[str, Any],
        state_credentials: Any,
    ) -> None:
        region = resource_runtime_part.region
        name = normalised_parameters["InvocationConfig"]["ConnectionArn"].split("/")[1]
        with httpx.Client(trust_env=False) as client:
            try:
                answer = _answer(
                    client, _token(client, name, region), normalised_parameters, region
                )
            except httpx.TransportError as error:
                raise self._failed(env, "States.Http.Socket", str(error)) from error
        if not answer.is_success:
            raise self._failed(
                env, f"States.Http.StatusCode.{answer.status_code}", answer.reason_phrase
            )
        env.stack.append(
            {
                "StatusCode": answer.status_code,
                "StatusText": answer.reason_phrase,
                "Headers": {name: [value] for name, value in answer.headers.items()},
                "ResponseBody": answer.json(),
            }
        )

    def _failed(self, env: Environment, error: str, cause: str) -> FailureEventException:
        details = TaskFailedEventDetails(
            error=error,
            cause=cause,
            resource=self._get_sfn_resource(),
            resourceType=self._get_sfn_resource_type(),
        )
        return FailureEventException(
            FailureEvent(
                env=env,
                error_name=CustomErrorName(error),
                event_type=HistoryEventType.TaskFailed,
                event_details=EventDetails(taskFailedEventDetails=details),  # type: ignore[typeddict-item]
            )
        )


def _token(client: httpx.Client, connection: str, region: str) -> str:
    """Ask for a token as EventBridge does, with what the connection keeps in its secret."""
    events: Any = boto_client_for(region, "events")
    secrets: Any = boto_client_for(region, "secretsmanager")
    described = events.describe_connection(Name=connection)
    secret = secrets.get_secret_value(SecretId=described["SecretArn"])
    oauth = json.loads(secret["SecretString"])
    parameters = described["AuthParameters"]["OAuthParameters"]
    body = {one["Key"]: one["Value"] for one in parameters["OAuthHttpParameters"]["BodyParameters"]}
    answer = client.request(
        parameters["HttpMethod"],
        parameters["AuthorizationEndpoint"],
        auth=(oauth["client_parameters"]["client_id"], oauth["client_parameters"]["client_secret"]),
        data=body,
    )
    answer.raise_for_status()
    token: str = answer.json()["access_token"]
    return token


def _answer(
    client: httpx.Client, token: str, parameters: dict[str, Any], region: str
) -> httpx.Response:
    return client.request(
        parameters["Method"],
        parameters["ApiEndpoint"],
        params=parameters.get("QueryParameters"),
        json=parameters.get("RequestBody"),
        headers={
            **parameters.get("Headers", {}),
            "Authorization": f"Bearer {token}",
            "Range": "bytes=0-262144",
            "User-Agent": f"Amazon|StepFunctions|HttpInvoke|{region}",
        },
    )
