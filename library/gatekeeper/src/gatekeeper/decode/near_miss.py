"""What octets are that are no RAS message: a guess from how they begin, to say where to look."""

from __future__ import annotations

import re
from collections.abc import Callable

_CALL_SIGNALLING = {
    0x01: "ALERTING",
    0x02: "CALL PROCEEDING",
    0x03: "PROGRESS",
    0x05: "SETUP",
    0x07: "CONNECT",
    0x0D: "SETUP ACKNOWLEDGE",
    0x5A: "RELEASE COMPLETE",
    0x62: "FACILITY",
    0x6E: "NOTIFY",
    0x75: "STATUS ENQUIRY",
    0x7B: "INFORMATION",
    0x7D: "STATUS",
}
"""Message types of Q.931, which H.225.0 call signalling is made of (H.225.0 7.3)."""
_SIP_METHOD = re.compile(rb"([A-Z]{3,12}) \S{1,400} SIP/2\.0")
_HTTP_METHOD = re.compile(rb"(GET|POST|PUT|HEAD|OPTIONS|DELETE|CONNECT|PRI) \S{0,4000} HTTP/[0-9.]{1,3}")
_TEXT = re.compile(rb"[\t\r\n\x20-\x7e]+")


def recognise(octets: bytes) -> str | None:
    """What these octets look like, or None. Nothing of their content is repeated: it may be personal."""
    return next((said for said in (guess(octets) for guess in _GUESSES) if said is not None), None)


def _nothing(octets: bytes) -> str | None:
    if not octets:
        return "an empty datagram, as port scanners and keepalives of NAT send"
    if not octets.strip(b"\r\n\0"):
        return "nothing but zeros or line ends, as keepalives of NAT and SIP are"
    return None


def _sip(octets: bytes) -> str | None:
    if octets.startswith(b"SIP/2.0 "):
        return "a SIP response; SIP belongs on port 5060"
    method = _SIP_METHOD.match(octets)
    return f"a SIP {method[1].decode()} request; SIP belongs on port 5060" if method else None


def _http(octets: bytes) -> str | None:
    if octets.startswith(b"HTTP/"):
        return "an HTTP response"
    method = _HTTP_METHOD.match(octets)
    return f"an HTTP {method[1].decode()} request" if method else None


def _text(octets: bytes) -> str | None:
    return "plain text, not H.323" if len(octets) >= 4 and _TEXT.fullmatch(octets) else None


def _call_signalling(octets: bytes) -> str | None:
    tpkt = len(octets) >= 5 and octets[:2] == b"\x03\x00" and int.from_bytes(octets[2:4], "big") >= 5
    inner = octets[4:] if tpkt and octets[4] == 8 else octets
    # Protocol discriminator 8, a call reference of two octets, a message type (Q.931 4).
    if len(inner) < 5 or inner[0] != 8 or inner[1] != 2 or inner[4] not in _CALL_SIGNALLING:
        return None
    wrapping = " in TPKT" if inner is not octets else ""
    return f"H.225.0 call signalling ({_CALL_SIGNALLING[inner[4]]}{wrapping}) rather than RAS; it belongs on TCP 1720"


def _other_protocol(octets: bytes) -> str | None:
    if len(octets) >= 20 and octets[4:8] == b"\x21\x12\xa4\x42":
        return "STUN"
    if len(octets) >= 13 and octets[0] in range(20, 24) and octets[1] == 0xFE:
        return "DTLS"
    if len(octets) >= 8 and octets[0] & 0xC0 == 0x80 and octets[1] in range(200, 208):
        return "RTCP, the control of a media stream"
    if len(octets) >= 12 and octets[0] in range(0x80, 0x90) and octets[1] & 0x7F in _PAYLOAD_TYPES:
        return f"maybe RTP, a media stream of payload type {octets[1] & 0x7F}"
    return None


_PAYLOAD_TYPES = {*range(35), *range(96, 128)}

_GUESSES: tuple[Callable[[bytes], str | None], ...] = (_nothing, _sip, _http, _call_signalling, _text, _other_protocol)
