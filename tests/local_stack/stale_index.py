"""An index that lags behind its table; moto's and DynamoDB Local's own are always current."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.test import EnvironBuilder, run_wsgi_app

from local_stack.faults import Answer
from local_stack.stack import LocalStack
from local_stack.wire import Call, Fault, Phase

_COPIED = ("IndexName", "KeySchema", "Projection")


@contextmanager
def stale_index(stack: LocalStack) -> Iterator[None]:
    """
    Within the block, a Query on an index of the table answers from the table as it was before.

    Every other call, also a Query on the table itself, is answered as usual.
    """
    dynamodb, wire = stack.aws.client("dynamodb"), stack.aws.wire
    table = stack.table_name
    before = f"{table}-before"
    _copy(dynamodb, table, before)

    def answer_from_copy(call: Call, phase: Phase) -> None:
        if phase == "before" and _asks_index(call, table):
            stale = _answer(stack, call, {**json.loads(call.body), "TableName": before})
            wire.inject(Fault(action=stale, when=lambda other: other.number == call.number))

    try:
        with wire.listen(answer_from_copy):
            yield
    finally:
        dynamodb.delete_table(TableName=before)


def _asks_index(call: Call, table: str) -> bool:
    if (call.service, call.operation) != ("dynamodb", "Query"):
        return False
    query = json.loads(call.body)
    return "IndexName" in query and query["TableName"] == table


def _answer(stack: LocalStack, call: Call, query: Any) -> Answer:
    """Answer a call as if this had been its query. The wire does not see it."""
    headers = [(name, value) for name, value in call.headers if name.lower() != "content-length"]
    made = EnvironBuilder(method="POST", headers=headers, data=json.dumps(query))
    chunks, status, answered = run_wsgi_app(stack.aws.serve, made.get_environ(), buffered=True)
    return Answer(int(status.split()[0]), list(answered), b"".join(chunks))


def _copy(dynamodb: Any, table: str, copy: str) -> None:
    """Make a table with the same keys, indexes and items."""
    described = dynamodb.describe_table(TableName=table)["Table"]
    dynamodb.create_table(
        TableName=copy,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=described["KeySchema"],
        AttributeDefinitions=described["AttributeDefinitions"],
        GlobalSecondaryIndexes=[
            {name: index[name] for name in _COPIED} for index in described["GlobalSecondaryIndexes"]
        ],
    )
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    for page in pages:
        for item in page["Items"]:
            dynamodb.put_item(TableName=copy, Item=item)
