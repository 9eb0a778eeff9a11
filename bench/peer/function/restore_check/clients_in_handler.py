"""The handler written the usual way: every invocation makes its clients, where it needs them."""

from typing import Any

import boto3
import requests

from .check import check


def lambda_handler(event: dict[str, str], _context: object) -> dict[str, Any]:
    """Check the restore job. `requests.get` makes a session for each request."""
    return check(event, client=boto3.client, get=requests.get)
