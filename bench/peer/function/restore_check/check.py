"""Checks a restore job of an Atlas Flex cluster, stores it and announces a change of its status."""

import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import requests
from requests.auth import HTTPDigestAuth

logger = logging.getLogger()
logger.setLevel(logging.INFO)

Client = Callable[..., Any]
"""Returns the boto3 client of a service: a new one, or one that the handler keeps."""

Get = Callable[..., requests.Response]
"""`get` of requests, or of a session that the handler keeps."""


def check(event: dict[str, str], client: Client, get: Get) -> dict[str, Any]:
    """Return the job's status, and whether it is another than at the last check."""
    secret = read_secret(client)
    job = get_restore_job(event, secret, get)

    dynamodb = client("dynamodb")
    key = {"restoreId": {"S": job["id"]}}
    stored = dynamodb.get_item(TableName=os.environ["TABLE_NAME"], Key=key).get("Item")
    previous_status = stored["status"]["S"] if stored else None
    changed = job["status"] != previous_status

    dynamodb.put_item(
        TableName=os.environ["TABLE_NAME"],
        Item={
            **key,
            "groupId": {"S": event["groupId"]},
            "clusterName": {"S": event["clusterName"]},
            "status": {"S": job["status"]},
            "checkedAt": {"S": datetime.now(UTC).isoformat()},
            "job": {"S": json.dumps(job)},
        },
    )

    if changed:
        client("sns").publish(
            TopicArn=os.environ["TOPIC_ARN"],
            Subject=f"Atlas restore {job['status']}",
            Message=json.dumps(
                {
                    "restoreId": job["id"],
                    "clusterName": event["clusterName"],
                    "status": job["status"],
                    "previousStatus": previous_status,
                }
            ),
        )

    logger.info("restore job %s is %s, changed: %s", job["id"], job["status"], changed)
    return {"status": job["status"], "previousStatus": previous_status, "changed": changed}


def read_secret(client: Client) -> dict[str, str]:
    """Return the API key from Secrets Manager."""
    answer = client("secretsmanager").get_secret_value(SecretId=os.environ["SECRET_ID"])
    secret: dict[str, str] = json.loads(answer["SecretString"])
    return secret


def get_restore_job(event: dict[str, str], secret: dict[str, str], get: Get) -> dict[str, Any]:
    """Return the restore job as Atlas describes it."""
    response = get(
        f"{os.environ['ATLAS_BASE_URL']}/api/atlas/v2/groups/{event['groupId']}"
        f"/flexClusters/{event['clusterName']}/backup/restoreJobs/{event['restoreId']}",
        auth=HTTPDigestAuth(secret["public_key"], secret["private_key"]),
        headers={"Accept": "application/vnd.atlas.2025-03-12+json"},
        timeout=10,
    )
    response.raise_for_status()
    job: dict[str, Any] = response.json()
    return job
