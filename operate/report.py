"""
Makes the report of a period, and fetches its files: `make report FROM=... TO=...`.

It invokes the stack's function with your own AWS credentials. docs/report.md has the rest.

Exit status: 0 if the files are there; 1 if AWS, the function or the disk refused; 2 if an argument
is wrong.
"""

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from botocore.config import Config
from botocore.exceptions import BotoCoreError

from operate.aws import LOOKING, ONCE, Aws
from operate.command_line import CommandLine, run
from operate.deployed_stack import DEFAULT_NAME, OTHER_FORM, read_stack, read_stack_name
from operate.errors import OperateError

_WAITING = ONCE.merge(Config(read_timeout=900, tcp_keepalive=True))
"""The function may take as long."""


def _report(words: Sequence[str] | None) -> int:
    line = CommandLine("report", __doc__)
    # The function checks both, and its error says what it expects.
    line.add_argument("--from", dest="first", required=True)
    line.add_argument("--to", dest="last", required=True)
    line.add_argument("--stack", type=read_stack_name, default=DEFAULT_NAME)
    line.add_argument("--out", type=Path, default=Path("report"))
    given = line.read(words, Namespace())
    event = {"action": "report", "from": given.first, "to": given.last}
    with Aws("docs/report.md", LOOKING) as aws:
        made = read_stack(aws, given.stack).invoke(aws, "ReportFunctionName", event, _WAITING)
        if "errorType" in made:
            text = f"{made['errorType']}: {made.get('errorMessage', 'no text')}"
            raise OperateError(f"{text}. Look for this text in docs/troubleshooting.md")
        if not made.keys() >= {"bucket", "prefix", "files"}:
            raise OperateError(OTHER_FORM)
        for name in map(str, made["files"]):
            _fetch(aws, made["bucket"], f"{made['prefix']}{name}", given.out / Path(name).name)
    return 0


def _fetch(aws: Aws, bucket: str, key: str, path: Path) -> None:
    file = aws.ask("s3", "get_object", "Body", Bucket=bucket, Key=key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file["Body"].read())
    except OSError as error:
        raise OperateError(f"{str(path)!a} cannot be written: {error.strerror}") from None
    except BotoCoreError as error:
        raise OperateError(f"{key} broke off ({type(error).__name__}): run it again") from None
    sys.stdout.write(f"{path}\n")


def main(words: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return run("report", lambda: _report(words), "stopped")


if __name__ == "__main__":
    sys.exit(main())
