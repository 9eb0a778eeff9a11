"""The same handler with clients at module level: INIT makes them and invocations share them."""

from typing import Any

import boto3
import requests

from .check import check

clients = {service: boto3.client(service) for service in ("secretsmanager", "dynamodb", "sns")}
session = requests.Session()


def lambda_handler(event: dict[str, str], _context: object) -> dict[str, Any]:
    """Check the restore job."""
    return check(event, client=clients.__getitem__, get=session.get)
