"""
The bucket of the reports, so that the files of one report always agree with each other.

`reports/` holds the newest report of each last day, and in `latest/` that of the schedule.
`months/` holds the first whole report of each month, which the function never replaces.
"""

import io
import random
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from foundation.aws_call import AwsCallError, aws_call
from foundation.clock import Clock
from foundation.deadline import Deadline
from foundation.json_text import as_map, read_object
from restore_watch.errors import ReportNotWrittenError
from restore_watch.model.forms_of_fields import AHEAD, date_or_null

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUNDLE = "report.zip"
"""The file of a month that is stored first. It has the others, which are unpacked from it."""

TRIES = 5
"""So often the files of a report are written, if another invocation writes the same ones."""

LATEST = "reports/latest/"
"""Where the newest report of the schedule lies too, so that programs find it."""

_EXISTS = "PreconditionFailed"
"""S3's code if a key exists that must not: "Conditional writes", Amazon S3 User Guide."""

_ABSENT = {"NoSuchKey", "AccessDenied"}
"""
S3's codes for a key that does not exist. A role that may not list the bucket, as this function's,
gets the second one: "GetObject", Amazon S3 API Reference.
"""

_OF_ANOTHER_REGION = {
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "PermanentRedirect",
    "TemporaryRedirect",
    "301",
    "307",
}
"""S3's codes for a bucket of another region. botocore follows them if it learns which."""

_TYPES = {
    "html": "text/html; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "zip": "application/zip",
}


@dataclass(frozen=True)
class ReportBucket:
    """
    Stores and reads reports. `files` are contents by name, with report.json as the last.

    Its methods raise ReportNotWrittenError if S3 refuses or does not answer.
    """

    client: "S3Client"
    name: str
    clock: Clock

    def put_report(self, prefix: str, files: Mapping[str, bytes], deadline: Deadline) -> None:
        """Store the files of a report, in place of an earlier report."""
        self._put_until_alone(prefix, files, deadline, is_outdated=lambda: False)

    def put_latest(
        self, files: Mapping[str, bytes], asked_at: datetime, deadline: Deadline
    ) -> None:
        """
        Store the files of a report as the latest, unless a later one lies there.

        AWS may deliver the event of an earlier schedule after that of a later one.
        """

        def is_outdated() -> bool:
            latest_at = self._latest_asked_at(deadline)
            # Somebody may have written a file of another form, or from the future, there.
            return latest_at is not None and asked_at < latest_at <= self.clock.now() + AHEAD

        self._put_until_alone(LATEST, files, deadline, is_outdated)

    def _put_until_alone(
        self,
        prefix: str,
        files: Mapping[str, bytes],
        deadline: Deadline,
        is_outdated: Callable[[], bool],
    ) -> None:
        """Store the files until no file of another invocation lies among them, or they are old."""
        for _ in range(TRIES):
            if is_outdated() or self._put_together(prefix, files, deadline):
                return
            self.clock.sleep(random.uniform(0.5, 3))  # noqa: S311  not a secret
        raise ReportNotWrittenError("Other invocations write the same report; a retry writes it")

    def _put_together(self, prefix: str, files: Mapping[str, bytes], deadline: Deadline) -> bool:
        """
        Store the files. Return whether each that lies there now is one of these.

        Another invocation may write the same report meanwhile. Each looks only when it has written
        all files. So the last one to write sees what will stay, and does not end before each of the
        files is its own.
        """
        written: dict[str, str] = {}
        for name, body in files.items():
            written[name] = self._put(f"{prefix}{name}", body, deadline)
        found = {name: self._etag_of(f"{prefix}{name}", deadline) for name in written}
        return found == written

    def _latest_asked_at(self, deadline: Deadline) -> datetime | None:
        """Return when the latest report was asked for; None without one, or if nobody can say."""
        content = self._get(f"{LATEST}report.json", deadline)
        return date_or_null(as_map(read_object(content)).get("askedAt"))

    def has_month(self, month_prefix: str, deadline: Deadline) -> bool:
        """Whether every file of a month is there: report.json is the last to be written."""
        return self._etag_if_there(f"{month_prefix}report.json", deadline) is not None

    def put_month(
        self, month_prefix: str, files: Mapping[str, bytes], deadline: Deadline
    ) -> Mapping[str, bytes]:
        """
        Store the files of a month, and return those that stay.

        The bundle is stored at once and only once, and the other files come from the stored bundle.
        So they agree with each other, even if an earlier invocation died among them, or another
        one was first.
        """
        if self._put_once(f"{month_prefix}{BUNDLE}", _packed(files), deadline):
            self._unpack(month_prefix, files, deadline)
            return files
        kept_files = self.complete_month(month_prefix, deadline)
        if kept_files is None:
            raise ReportNotWrittenError("S3 hides the month that it has; a retry reads it")
        return kept_files

    def complete_month(self, month_prefix: str, deadline: Deadline) -> Mapping[str, bytes] | None:
        """
        Store what an earlier attempt has not stored of the month's bundle, and return its files.

        None if the month has no bundle yet.
        """
        kept_files = self._bundled_files(month_prefix, deadline)
        if kept_files is not None:
            self._unpack(month_prefix, kept_files, deadline)
        return kept_files

    def _bundled_files(self, month_prefix: str, deadline: Deadline) -> Mapping[str, bytes] | None:
        """Return the files of the month's bundle, None if the month has no bundle yet."""
        bundle = self._get(f"{month_prefix}{BUNDLE}", deadline)
        if bundle is None:
            return None
        try:
            with zipfile.ZipFile(io.BytesIO(bundle)) as packed:
                return {name: packed.read(name) for name in packed.namelist()}
        except zipfile.BadZipFile:
            msg = "S3 has a report.zip that is no bundle of a month"
            raise ReportNotWrittenError(msg) from None

    def _unpack(
        self, month_prefix: str, bundled_files: Mapping[str, bytes], deadline: Deadline
    ) -> None:
        """Store each of the bundled files that is not there."""
        for name, body in bundled_files.items():
            self._put_once(f"{month_prefix}{name}", body, deadline)

    def _put(self, key: str, body: bytes, deadline: Deadline) -> str:
        """Store a file. Return its entity tag."""
        try:
            return self._store(key, body, deadline)
        except AwsCallError as error:
            raise _not_written(error) from None

    def _put_once(self, key: str, body: bytes, deadline: Deadline) -> bool:
        """Store a file, unless there is one. Return whether it is new."""
        try:
            self._store(key, body, deadline, IfNoneMatch="*")
        except AwsCallError as error:
            if error.code == _EXISTS:
                return False
            raise _not_written(error) from None
        return True

    def _store(self, key: str, body: bytes, deadline: Deadline, **how: Any) -> str:
        answer = aws_call(
            deadline,
            "store the report",
            self.client.put_object,
            "ETag",
            Bucket=self.name,
            Key=key,
            Body=body,
            ContentType=_TYPES[key.rpartition(".")[2]],
            **how,
        )
        return str(answer["ETag"])

    def _etag_of(self, key: str, deadline: Deadline) -> str:
        """Return the entity tag of a file that is there."""
        try:
            return self._read_etag(key, deadline)
        except AwsCallError as error:
            raise _not_written(error) from None

    def _etag_if_there(self, key: str, deadline: Deadline) -> str | None:
        """Return the entity tag of what lies there, None if nothing does."""
        try:
            return self._read_etag(key, deadline)
        except AwsCallError as error:
            if error.code in _ABSENT:
                return None
            raise _not_written(error) from None

    def _read_etag(self, key: str, deadline: Deadline) -> str:
        # S3's answer to HEAD has no body, so an error would have no code such as NoSuchKey. This is
        # a GET whose content is not read.
        def get_unread(**place: Any) -> Mapping[str, Any]:
            answer = self.client.get_object(**place)
            answer["Body"].close()
            return answer

        return str(self._read(get_unread, "ETag", key, deadline)["ETag"])

    def _get(self, key: str, deadline: Deadline) -> bytes | None:
        """Return the content of what lies there, None if nothing does."""

        def get_whole(**place: Any) -> Mapping[str, Any]:
            return {"Body": self.client.get_object(**place)["Body"].read()}

        try:
            return bytes(self._read(get_whole, "Body", key, deadline)["Body"])
        except AwsCallError as error:
            if error.code in _ABSENT:
                return None
            raise _not_written(error) from None

    def _read(self, call: Any, field: str, key: str, deadline: Deadline) -> Any:
        return aws_call(deadline, "read the report", call, field, Bucket=self.name, Key=key)


def _not_written(error: AwsCallError) -> ReportNotWrittenError:
    if error.code in _OF_ANOTHER_REGION:
        where = "the bucket that REPORT_BUCKET names is not in the region of the function"
        return ReportNotWrittenError(f"S3 {error}: {where}")
    return ReportNotWrittenError(f"S3 {error}; a retry writes the report")


def _packed(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of the files, which has the same bytes each time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for name, body in files.items():
            # Without a date, an entry is of the first day that the format knows.
            bundle.writestr(zipfile.ZipInfo(name), body, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
