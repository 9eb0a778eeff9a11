"""The sign before a title, where a channel shows signs."""

from notify_people.words.notice import Notice, Paging, Severity

_ICONS = {
    Severity.SUCCESS: "✅",
    Severity.INFO: "🔵",
    Severity.WARNING: "⚠️",
    Severity.ERROR: "❌",
    Severity.CRITICAL: "🚨",
}


def with_icon(notice: Notice) -> str:
    """Return the title with the sign of its severity, or that of a test."""
    icon = "🧪" if notice.paging is Paging.TRY_BOTH else _ICONS[notice.severity]
    return f"{icon} {notice.title}"
