"""The forms in which Atlas sends the fields of a restore job. Pure."""

from typing import Annotated

from pydantic import BeforeValidator, StrictBool, ValidationInfo

from restore_watch.model.restore_job import is_download

_URLS = ("deliveryUrl", "downloadUrl", "privateDownloadDeliveryUrls")


Flag = Annotated[StrictBool, BeforeValidator(lambda value: False if value is None else value)]


def _holds_a_url(value: object) -> bool:
    match value:
        case None | str():
            return bool(value and value.strip())
        case list():
            return any(map(_holds_a_url, value))
        case dict():
            return any(_holds_a_url(value.get(name)) for name in _URLS)
        case _:
            msg = "a URL must be text"
            raise ValueError(msg)


HasUrl = Annotated[bool, BeforeValidator(_holds_a_url)]
"""True if a field holds a URL, in any of the shapes that Atlas uses. The URL is dropped."""


def _link_of_a_download(value: object, info: ValidationInfo) -> bool:
    return is_download(info.data.get("delivery_type")) and _holds_a_url(value)


HasLink = Annotated[bool, BeforeValidator(_link_of_a_download)]
"""As HasUrl. Unless a dedicated job is a download, its links decide nothing."""
