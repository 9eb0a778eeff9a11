"""TLS of a client that reads nothing from the environment."""

import ssl

import certifi


def tls_context() -> ssl.SSLContext:
    """
    Return a context that trusts certifi's authorities, as httpx does.

    `ssl.create_default_context`, which httpx uses, writes the keys of every connection into the
    file that the variable SSLKEYLOGFILE names. Its other settings are the same.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    context.load_verify_locations(certifi.where())
    return context
