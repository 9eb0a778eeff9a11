"""The bucket that keeps the reports."""

from typing import TYPE_CHECKING, Any

from foundation.aws_call import AwsCallError, aws_call
from foundation.deadline import Deadline
from restore_watch.errors import ReportNotWrittenError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_EXISTS = "PreconditionFailed"
"""S3's code if a key exists that must not: "Conditional writes", Amazon S3 User Guide."""

TYPES = {
    "html": "text/html; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}
"""The media types of the files."""


class ReportBucket:
    """The bucket `name`."""

    def __init__(self, client: "S3Client", name: str) -> None:
        self._client = client
        self.name = name

    def put(self, key: str, body: bytes, deadline: Deadline, *, once: bool = False) -> bool:
        """
        Store a file. With `once`, return False if there is a file of this key, which stays.

        Raises ReportNotWrittenError.
        """
        how: dict[str, Any] = {"IfNoneMatch": "*"} if once else {}
        try:
            aws_call(
                deadline,
                "store the report",
                self._client.put_object,
                "ETag",
                Bucket=self.name,
                Key=key,
                Body=body,
                ContentType=TYPES[key.rpartition(".")[2]],
                **how,
            )
        except AwsCallError as error:
            if once and error.code == _EXISTS:
                return False
            msg = f"S3 {error}; a retry writes the same files"
            raise ReportNotWrittenError(msg) from None
        return True
