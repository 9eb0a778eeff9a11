"""The HTTP client for Atlas: httpx's own, above connections with bounds and opened envelopes."""

from collections.abc import Callable

import httpx

from foundation import USER_AGENT
from restore_watch.atlas.transport.connections import CONNECT_TIMEOUT, READ_TIMEOUT, Connections
from restore_watch.atlas.transport.envelopes import OpenedEnvelopes


def http_client(on_sunset: Callable[[str], object] = lambda _: None) -> httpx.Client:
    """
    Return the client for Atlas, for any number of threads. Use it within `bounded`, and keep it.

    It reads nothing from the environment, keeps no cookie and follows no redirect. `on_sunset` gets
    the Sunset or else Deprecation header of any answer, even of a challenge or token.
    """

    def report_sunset(response: httpx.Response) -> None:
        sunset = response.headers.get("sunset") or response.headers.get("deprecation")
        if sunset:
            on_sunset(sunset)

    return httpx.Client(
        transport=OpenedEnvelopes(Connections()),
        # An answer is only a kilobyte, and uncompressed its size has a limit.
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        timeout=httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT),
        follow_redirects=False,
        trust_env=False,
        event_hooks={"response": [report_sunset]},
    )
