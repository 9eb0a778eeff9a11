"""Diagnoses the secret and the schedule by AWS's answers. Changes nothing."""

import re
from dataclasses import dataclass
from datetime import timedelta

from foundation.aws_call import AwsCallError
from foundation.errors import TimeBudgetExceededError
from restore_watch.atlas.credentials import STORE_AS_API_KEY, Credentials, ServiceAccount
from restore_watch.atlas.read_credentials import read_credentials
from restore_watch.aws.atlas_secret import secret_elsewhere
from restore_watch.diagnosis.aws_fixes import SCHEDULE_FIXES, SECRET_FIXES
from restore_watch.diagnosis.aws_questions import AwsQuestions
from restore_watch.diagnosis.line import Line, bad, good, unsure
from restore_watch.errors import CredentialsError
from restore_watch.model.fixes_of_errors import fix_of
from restore_watch.settings import Settings

SCHEDULE_NAME = "sweep"


@dataclass(frozen=True)
class AwsDiagnosis:
    """Asks Secrets Manager and EventBridge Scheduler about a stack."""

    settings: Settings
    aws: AwsQuestions

    def secret(self) -> tuple[Line, Credentials | None]:
        """Read the secret anew, past the cache. Return its credentials too, if it has any."""
        name = self.settings.atlas_secret_id
        try:
            answer = self.aws.ask("secretsmanager", "get_secret_value", "ARN", SecretId=name)
        except AwsCallError as error:
            return self._line_of_refused_secret(name, error), None
        except TimeBudgetExceededError as error:
            return SECRET_FIXES.line("secret", error), None
        try:
            credentials = read_credentials(answer.get("SecretString"))
        except CredentialsError as error:
            return bad("secret", str(error), fix_of(error)), None
        return _line_about_credentials(credentials), credentials

    def _line_of_refused_secret(self, name: str, error: AwsCallError) -> Line:
        region = self.aws.client("secretsmanager").meta.region_name
        elsewhere = secret_elsewhere(name, region)
        if elsewhere is None or not error.is_lasting:
            return SECRET_FIXES.line("secret", error)
        fix = (
            f"Store the credentials as a secret in {region}, and set AtlasSecretArn to the "
            "ARN that aws secretsmanager describe-secret prints there"
        )
        return bad("secret", f"Secrets Manager {error}; {elsewhere}", fix)

    def schedule(self) -> tuple[Line, timedelta | None]:
        """Look whether the schedule is enabled. Return the time between two sweeps, if known."""
        group = self.settings.schedule_group
        try:
            answer = self.aws.ask(
                "scheduler", "get_schedule", "State", GroupName=group, Name=SCHEDULE_NAME
            )
        except (AwsCallError, TimeBudgetExceededError) as error:
            return SCHEDULE_FIXES.line("schedule", error), None
        if answer["State"] == "ENABLED":
            expression = str(answer.get("ScheduleExpression", ""))
            return good("schedule", f"is enabled: {expression}"), _period(expression)
        fix = (
            f"Enable the schedule {SCHEDULE_NAME} of the group {group} in the console of "
            "EventBridge Scheduler, or deploy the stack again with another SweepMinutes"
        )
        return bad("schedule", "is disabled", fix), None


def _line_about_credentials(credentials: Credentials) -> Line:
    if not isinstance(credentials, ServiceAccount):
        return good("secret", "holds an API key")
    if credentials.may_be_api_key:
        found = "holds client_id and client_secret, which may be the keys of an API key"
        return unsure("secret", found, STORE_AS_API_KEY)
    return good("secret", "holds a service account")


def _period(expression: str) -> timedelta | None:
    """Return the time between two sweeps. A cron expression does not show it."""
    minutes = re.fullmatch(r"rate\((\d+) minutes?\)", expression)
    return timedelta(minutes=int(minutes[1])) if minutes else None
