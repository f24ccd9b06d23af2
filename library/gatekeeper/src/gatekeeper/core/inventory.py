"""What there was at one moment, page by page: the records from which a replay can begin, and that it compares.

Registrations and calls are never changed, only replaced. So to keep all of a moment costs no more than to note which
they were, and they can be described afterwards, a page in each quiet moment, while decisions go on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain

from gatekeeper.core.calls import Call
from gatekeeper.core.registration_index import Registration
from gatekeeper.core.state import State
from gatekeeper.core.transport_address import address_text

ITEMS = "ITEMS"
REGISTERED, IN_CALLS, ALMOST_OUT = "registered", "in_calls", "almost_out"
"""The lists of a page."""
_PAGE_OCTETS = 32_768
"""After which a page is full: half of what a line may have, so that one long item fits in, too. Some milliseconds."""

Item = Mapping[str, object]


class Inventory:
    """All items of a moment, of which the record of index `of_index` has told the sums."""

    def __init__(self, state: State, of_index: int) -> None:
        self._of_index = of_index
        registrations, calls = tuple(state.registrations.values()), tuple(state.calls)
        almost_out = tuple(sorted(state.almost_out))
        self._left = len(registrations) + len(calls) + len(almost_out)
        self._items: Iterator[tuple[str, Item | str]] = chain(
            ((REGISTERED, describe_registration(one)) for one in registrations),
            ((IN_CALLS, describe_call(one)) for one in calls),
            ((ALMOST_OUT, one) for one in almost_out),
        )
        self._page = 0

    @property
    def left(self) -> int:
        """Items that no page has told yet."""
        return self._left

    def next_page(self) -> Mapping[str, object]:
        """Fields of the next record; to be asked for only while something is left."""
        lists: dict[str, list[Item | str]] = {}
        octets = 0
        while octets < _PAGE_OCTETS and self._left:
            name, item = next(self._items)
            lists.setdefault(name, []).append(item)
            octets += len(json.dumps(item))
            self._left -= 1
        self._page += 1
        return {"msg_type": ITEMS, "of_index": self._of_index, "page": self._page, **lists, "left": self._left}


def describe_registration(registration: Registration) -> Item:
    """A registration, by the names that the records of its request and answer have. Lists that are empty are left out.

    All of it is in those records already (`personal_data.py`).
    """
    lists = {
        "aliases": list(registration.aliases),
        "call_signal_addresses": list(map(address_text, registration.call_signal_addresses)),
        "endpoint_types": list(registration.endpoint_types),
        "prefixes": list(registration.prefixes),
        "pre_granted_arq": list(registration.pre_granted_arq),
    }
    return {
        "endpoint_identifier": registration.endpoint_identifier,
        "terminal_id": registration.terminal_id,
        "source": address_text(registration.source),
        "ras_address": address_text(registration.ras_address),
        "time_to_live": registration.time_to_live,
        "authentication": registration.authentication,
        **{name: values for name, values in lists.items() if values},
    }


def describe_call(call: Call) -> Item:
    """One endpoint's leg of a call, as `describe_registration`; when it was admitted decides nothing."""
    mcu = {"mcu": call.mcu} if call.mcu is not None else {}
    return {
        "endpoint_identifier": call.endpoint_identifier,
        "terminal_id": call.terminal_id,
        "call_identifier": call.call_identifier,
        "conference_id": call.conference_id,
        "call_reference": call.call_reference,
        "answer_call": call.answer_call,
        "bandwidth_bps": call.bandwidth_bps,
        "destination": address_text(call.destination),
        "participant": call.participant,
        **mcu,
    }
