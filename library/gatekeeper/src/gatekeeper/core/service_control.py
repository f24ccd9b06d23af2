"""Service control: SCI (H.225.0 7.20). This gatekeeper offers no such service, and says so."""

from __future__ import annotations

from h323.council import RefusalName
from h323.ras import ServiceControlIndication, ServiceControlResponse

from gatekeeper.core.denial import Denial
from gatekeeper.core.registration import own_registration
from gatekeeper.core.request import Decision, Request


def respond(request: Request[ServiceControlIndication]) -> Decision | Denial:
    """Answer a registered endpoint (SCR): a session that it closes has stopped, others are not available."""
    message = request.message
    registration = own_registration(request.state, request.guardian, message.endpoint_identifier)
    if registration is None:
        return Denial(RefusalName.NOT_REGISTERED, "this endpoint is not registered")
    closed = bool(message.service_control) and all(one.reason[0] == "close" for one in message.service_control)
    answer = ServiceControlResponse(
        request_seq_num=message.request_seq_num,
        result=("stopped", None) if closed else ("notAvailable", None),
    )
    return Decision(answer, durable=False)
