"""
Notice → a custom notification of Amazon Q Developer in chat applications. Pure.

The service silently drops a message of any other form. The form:
https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html (event schema). It shows
`client-markdown` in the markdown of the chat. This text is in Slack's; Teams shows it with fewer
signs. The page names the fields. The limits are ours, short enough for either chat.
"""

from typing import Any

from notify_people.forms.slack import ENTITIES, code, literal, story
from notify_people.plain_text import lines_within
from notify_people.words.notice import Notice, Step

STEP_LIMIT = 698
"""Characters of a step and of its command or address, without the two between them."""


def chat_message(notice: Notice) -> dict[str, Any]:
    """Return the body of the SNS message. The notices of a restore are in the same thread."""
    return {
        "version": "1.0",
        "source": "custom",
        "id": f"{notice.key}/{notice.order}",
        "content": {
            "textType": "client-markdown",
            "title": literal(notice.title_with_icon, 250),
            "description": lines_within(story(notice), 4000),
            "nextSteps": [_line(step) for step in notice.steps[:10]],
            "keywords": [literal(word, 75) for word in notice.keywords],
        },
        "metadata": {
            "threadId": f"{notice.stack}/{notice.thread}",
            "summary": literal(notice.summary, 250),
            "eventType": notice.event_type,
            "relatedResources": [notice.source],
            "additionalContext": {
                "subject": notice.about,
                "severity": notice.severity,
                "at": notice.at.isoformat(),
            },
        },
    }


def _line(step: Step) -> str:
    """A command or an address is never cut; the text before it is."""
    if step.command:
        end = code(step.command)
    elif step.address:
        end = step.address.translate(ENTITIES)
    else:
        return literal(step.text, STEP_LIMIT)
    return f"{literal(step.text, STEP_LIMIT - len(end))}: {end}"
