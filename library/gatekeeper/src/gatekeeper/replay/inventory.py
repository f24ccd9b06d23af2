"""What a log says there was at one moment (`core/inventory.py`): read page by page, begun with, or compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gatekeeper.core.calls import Call
from gatekeeper.core.inventory import ALMOST_OUT, IN_CALLS, REGISTERED, describe_call, describe_registration
from gatekeeper.core.registration_index import Registration
from gatekeeper.core.state import ALMOST_OUT as ALMOST_OUT_KEY
from gatekeeper.core.state import State
from gatekeeper.replay.fields import Fields, RecordError, address_of
from gatekeeper.replay.history import History
from gatekeeper.store import Change


@dataclass(frozen=True, slots=True)
class AlmostOut:
    """An endpoint is almost out of resources."""

    endpoint_identifier: str

    @property
    def key(self) -> str:
        """Its key in the store."""
        return ALMOST_OUT_KEY + self.endpoint_identifier


Item = Registration | Call | AlmostOut
Stock = dict[str, Item]
"""The items of a moment by their keys in the store. When calls were admitted is left out, as in the records."""


def stock_of(state: State) -> Stock:
    """What this state has now."""
    stock: Stock = {one.key: one for one in state.registrations.values()}
    stock |= {call.key: replace(call, admitted_at=0.0) for call in state.calls}
    return stock | {one.key: one for one in map(AlmostOut, state.almost_out)}


class Pages:
    """The pages that belong to one TERM or STATE, in their order."""

    def __init__(self, of_index: int) -> None:
        """`of_index`: that record's."""
        self._of_index = of_index
        self._next = 1
        self.complete = False

    def items(self, fields: Fields) -> tuple[Item, ...]:
        """What the next page has.

        Raises:
            RecordError: it isn't the next one, or has what no gatekeeper writes.
        """
        of_index, page = fields.needed_number("of_index"), fields.needed_number("page")
        if self.complete or (of_index, page) != (self._of_index, self._next):
            raise RecordError("this page doesn't follow the one before")
        self._next += 1
        self.complete = fields.needed_number("left") == 0
        registrations = tuple(map(_registration, fields.objects(REGISTERED)))
        calls = tuple(map(_call, fields.objects(IN_CALLS)))
        return (*registrations, *calls, *map(AlmostOut, fields.texts(ALMOST_OUT)))


class Comparison:
    """Of what the log has told before with what pages say of the same moment."""

    def __init__(self, own: Stock, of_index: int) -> None:
        self._own = own
        self._pages = Pages(of_index)

    def differences(self, fields: Fields) -> Iterator[str]:
        """What the next page says otherwise, and on the last one what none has said; one sentence each.

        Raises:
            RecordError: it isn't the next page, or has what no gatekeeper writes.
        """
        for item in self._pages.items(fields):
            own = self._own.pop(item.key, None)
            if own != item:
                yield f"{_shown(own)} instead of {_shown(item)}" if own is not None else f"no {_shown(item)}"
        if self._pages.complete:
            yield from (f"{_shown(one)} among the items" for one in self._own.values())


def history_of(stock: Stock) -> History:
    """A history that begins with these.

    Raises:
        ValueError, KeyError: they can't all be there at once.
    """
    history = History()
    for item in stock.values():
        if isinstance(item, Registration):
            history.state.add_registration(item)
            history.keep((Change(item.key, item.encoded()),))
        elif isinstance(item, Call):
            history.put_call(item)
        else:
            history.state.almost_out.add(item.endpoint_identifier)
            history.keep((Change(item.key, b"1"),))
    return history


def _registration(item: Fields) -> Registration:
    return Registration(
        endpoint_identifier=item.needed_text("endpoint_identifier"),
        terminal_id=item.needed_text("terminal_id"),
        aliases=item.texts("aliases"),
        call_signal_addresses=tuple(map(address_of, item.texts("call_signal_addresses"))),
        ras_address=item.address("ras_address"),
        source=item.address("source"),
        time_to_live=item.needed_number("time_to_live"),
        endpoint_types=item.texts("endpoint_types"),
        prefixes=item.texts("prefixes"),
        pre_granted_arq=item.texts("pre_granted_arq"),
        authentication=item.needed_text("authentication"),
    )


def _call(item: Fields) -> Call:
    return Call(
        endpoint_identifier=item.needed_text("endpoint_identifier"),
        terminal_id=item.needed_text("terminal_id"),
        call_identifier=item.needed_text("call_identifier"),
        conference_id=item.needed_text("conference_id"),
        bandwidth_bps=item.needed_number("bandwidth_bps"),
        destination=item.address("destination"),
        mcu=item.text("mcu"),
        answer_call=item.flag("answer_call"),
        call_reference=item.needed_number("call_reference"),
        participant=item.flag("participant"),
    )


def _shown(item: Item) -> str:
    if isinstance(item, Registration):
        return f"registration {json.dumps(describe_registration(item))}"
    if isinstance(item, Call):
        return f"call {json.dumps(describe_call(item))}"
    return f"endpoint {item.endpoint_identifier} almost out of resources"
