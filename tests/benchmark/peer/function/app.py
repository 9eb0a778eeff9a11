"""Checks a restore job of an Atlas Flex cluster, stores it and announces a change of its status."""

import json
import logging
import os
from datetime import UTC, datetime
from typing import Any

import boto3
import requests
from requests.auth import HTTPDigestAuth

logger = logging.getLogger()
logger.setLevel(logging.INFO)


def lambda_handler(event: dict[str, str], _context: object) -> dict[str, Any]:
    """Return the job's status, and whether it is another than at the last check."""
    secret = read_secret()
    job = get_restore_job(event, secret)

    dynamodb = boto3.client("dynamodb")
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
        boto3.client("sns").publish(
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


def read_secret() -> dict[str, str]:
    """Return the API key from Secrets Manager."""
    answer = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["SECRET_ID"])
    secret: dict[str, str] = json.loads(answer["SecretString"])
    return secret


def get_restore_job(event: dict[str, str], secret: dict[str, str]) -> dict[str, Any]:
    """Return the restore job as Atlas describes it."""
    response = requests.get(
        f"{os.environ['ATLAS_BASE_URL']}/api/atlas/v2/groups/{event['groupId']}"
        f"/flexClusters/{event['clusterName']}/backup/restoreJobs/{event['restoreId']}",
        auth=HTTPDigestAuth(secret["public_key"], secret["private_key"]),
        headers={"Accept": "application/vnd.atlas.2025-03-12+json"},
        timeout=10,
    )
    response.raise_for_status()
    job: dict[str, Any] = response.json()
    return job
