"""Mutual TLS between the council's hosts."""

from __future__ import annotations

import ssl
from typing import Any

from aiohttp import web

from witness.service.settings import SettingsError, Tls


def server_tls(tls: Tls) -> ssl.SSLContext:
    """A context that asks the other side for a certificate of our CA.

    Raises:
        SettingsError: a file can't be used.
    """
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tls.ca))
        context.load_cert_chain(tls.certificate, tls.private_key)
    except OSError as error:
        raise SettingsError(f"{tls.certificate}, {tls.private_key}, {tls.ca}: cannot be used ({error})") from error
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def client_tls(tls: Tls) -> ssl.SSLContext:
    """A context that shows our certificate to a server that has one of our CA.

    Raises:
        SettingsError: a file can't be used.
    """
    try:
        context = ssl.create_default_context(cafile=str(tls.ca))
        context.load_cert_chain(tls.certificate, tls.private_key)
    except OSError as error:
        raise SettingsError(f"{tls.certificate}, {tls.private_key}, {tls.ca}: cannot be used ({error})") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def check_tls(*files: Tls | None) -> None:
    """See whether these can be used, where there are any.

    Raises:
        SettingsError: a file can't be used.
    """
    for tls in files:
        if tls is not None:
            server_tls(tls)


def client_name(request: web.Request) -> str:
    """The common name of the certificate that a client has shown; empty if there is none."""
    transport = request.transport
    certificate: Any = transport.get_extra_info("peercert") if transport is not None else None
    fields = [field for group in (certificate or {}).get("subject", ()) for field in group]
    names = [str(value) for name, value in fields if name == "commonName"]
    return names[0] if names else ""
