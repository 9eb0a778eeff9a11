"""
Notice → a custom notification of Amazon Q Developer in chat applications. Pure.

The service silently drops a message of any other form. The form:
https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html (event schema). It shows
`client-markdown` in the markdown of the chat. This text is in Slack's; Teams shows it with fewer
signs. The page names the fields. The limits are ours, short enough for either chat.
"""

from typing import Any

from notify_people.forms.slack import code, literal, story
from notify_people.plain_text import lines_within
from notify_people.words.notice import Notice, Step

TITLE_LIMIT = 250
DESCRIPTION_LIMIT = 4000
STEP_LIMIT = 700
STEPS_LIMIT = 10
SUMMARY_LIMIT = 250
WORD_LIMIT = 75


def custom_notification(notice: Notice) -> dict[str, Any]:
    """Return the body of the SNS message. The notices of a restore are one thread."""
    return {
        "version": "1.0",
        "source": "custom",
        "id": f"{notice.key}/{notice.order}",
        "content": {
            "textType": "client-markdown",
            "title": literal(notice.title_with_icon, TITLE_LIMIT),
            "description": lines_within(story(notice), DESCRIPTION_LIMIT),
            "nextSteps": [_line(step) for step in notice.steps[:STEPS_LIMIT]],
            "keywords": [literal(word, WORD_LIMIT) for word in notice.keywords],
        },
        "metadata": {
            "threadId": f"{notice.stack}/{notice.thread}",
            "summary": literal(notice.summary, SUMMARY_LIMIT),
            "eventType": notice.event_type,
            "relatedResources": [notice.source],
            "additionalContext": {
                "subject": notice.subject,
                "severity": notice.severity,
                "at": notice.at.isoformat(),
            },
        },
    }


def _line(step: Step) -> str:
    """A command or an address is never cut; the text before it is."""
    end = f": {code(step.command)}" if step.command else f": {step.address}" if step.address else ""
    return literal(step.text, STEP_LIMIT - len(end)) + end
