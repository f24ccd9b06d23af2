"""From the items of an input to lines of output, one after the other."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TextIO

from gatekeeper.decode.blocks import Blocks
from gatekeeper.decode.brief import brief_line
from gatekeeper.decode.capture import CaptureError
from gatekeeper.decode.colours import Colours
from gatekeeper.decode.hexadecimal import BadLine
from gatekeeper.decode.json_lines import report_line, summary_line, unanswered_line
from gatekeeper.decode.keys import Keys
from gatekeeper.decode.packets import Datagram, Other
from gatekeeper.decode.pairing import Exchange, is_answer
from gatekeeper.decode.reading import Message, read
from gatekeeper.decode.report import Inspector, Report
from gatekeeper.decode.selection import Selection
from gatekeeper.decode.source import Input, InputError, Item
from gatekeeper.decode.summary import Summary

_PROGRESS_EVERY = 2_000
"""Items."""
_MOST_GUESSED = 1_000
"""Datagrams of other ports that are looked at, to say that RAS is spoken there."""
_MOST_HELD = 2_000
_GOOD, _BAD = 0, 1


@dataclass(frozen=True, slots=True)
class Output:
    """How and where to write."""

    json: bool
    brief: bool
    personal: bool
    stream: TextIO
    errors: TextIO

    @property
    def colours(self) -> Colours:
        """Only for eyes."""
        return Colours(self.stream.isatty() and not self.json)

    @property
    def shows_progress(self) -> bool:
        """Whether somebody waits who sees nothing of what is written."""
        return self.errors.isatty() and not self.stream.isatty()


def ras_port(datagram: Datagram) -> int | None:
    """The port of whoever is asked, where a datagram of any port is RAS."""
    reading = read(datagram)
    asked = datagram.source if isinstance(reading, Message) and is_answer(reading) else datagram.destination
    return asked.port if isinstance(reading, Message) and asked is not None else None


class Run:
    """Goes through one input."""

    def __init__(self, keys: Keys, selection: Selection, ports: frozenset[int], output: Output) -> None:
        self._inspector = Inspector(keys)
        self._selection = selection
        self._ports = ports
        self._output = output
        self._blocks = Blocks(output.colours, personal=output.personal)
        self._summary = Summary()
        self._progress_shown = False
        self._held: OrderedDict[int, Report] = OrderedDict()

    def run(self, source: Input) -> int:
        """Write everything; the exit code.

        Raises:
            InputError: nothing in it could be used.
        """
        damage = self._read(source)
        self._clear_progress()
        if damage is not None and not self._seen_anything():
            raise InputError(f"not a usable capture: it {damage}")
        self._finish()
        if damage is not None:
            self._output.errors.write(f"the capture is damaged: it {damage}\n")
        return _BAD if damage is not None or self._summary.bad else _GOOD

    def _seen_anything(self) -> bool:
        summary = self._summary
        return bool(summary.datagrams or summary.filtered or summary.other or summary.elsewhere)

    def _read(self, source: Input) -> CaptureError | None:
        """Go through the items; what ended them early, if something did."""
        try:
            for count, item in enumerate(source.items):
                self._item(item)
                if self._output.shows_progress and count % _PROGRESS_EVERY == 0:
                    self._progress(count, source.progress())
        except CaptureError as error:
            return error
        except KeyboardInterrupt:
            # Who watches live ends it so, and wants to know what it came to.
            return None
        return None

    def _item(self, item: Item) -> None:
        if isinstance(item, BadLine):
            self._summary.bad_lines += 1
            self._output.errors.write(f"line {item.number}: {item.problem}\n")
        elif isinstance(item, Other):
            on_ras_port = bool(item.ports & self._ports)
            self._summary.add_other(Other(item.number, f"{item.what} on a RAS port") if on_ras_port else item)
        elif self._is_ras(item):
            self._summary.add_time(item.time)
            self._report(self._inspector.inspect(item))
        else:
            looked_at = self._summary.elsewhere < _MOST_GUESSED
            self._summary.add_elsewhere(ras_port(item) if looked_at else None)

    def _is_ras(self, datagram: Datagram) -> bool:
        if datagram.source is None or datagram.destination is None:
            return True
        return datagram.source.port in self._ports or datagram.destination.port in self._ports

    def _report(self, report: Report) -> None:
        if self._selection.wants(report):
            request = self._held_request(report)
            if request is not None:
                self._summary.filtered -= 1
                self._show(request)
            self._show(report)
            return
        self._summary.filtered += 1
        if self._selection.only_bad and self._selection.fits(report):
            self._hold(report)

    def _show(self, report: Report) -> None:
        self._summary.add(report)
        self._output.stream.write(self._text(report))

    def _text(self, report: Report) -> str:
        if self._output.json:
            return report_line(report, personal=self._output.personal) + "\n"
        if self._output.brief:
            return brief_line(report, self._output.colours) + "\n"
        return self._blocks.block(report) + "\n\n"

    def _hold(self, report: Report) -> None:
        """Keep a good request: it is shown after all if it turns out to have been refused."""
        self._held[report.datagram.number] = report
        if len(self._held) > _MOST_HELD:
            self._held.popitem(last=False)

    def _held_request(self, report: Report) -> Report | None:
        relation = report.relation
        if relation is None or not relation.is_answer or relation.exchange is None:
            return None
        return self._held.pop(relation.exchange.number, None)

    def _finish(self) -> None:
        output = self._output
        unanswered = [one for one in self._inspector.unanswered() if self._selection.wants_exchange(one)]
        self._summary.unanswered = len(unanswered)
        if output.json:
            self._finish_json(unanswered)
        else:
            before = "\n" if output.brief and self._summary.datagrams else ""
            output.stream.write(before + self._summary.text(unanswered, output.colours) + "\n")
        output.stream.flush()

    def _finish_json(self, unanswered: list[Exchange]) -> None:
        for one in unanswered:
            self._output.stream.write(unanswered_line(one) + "\n")
        self._output.stream.write(summary_line(self._summary) + "\n")

    def _progress(self, count: int, part: float | None) -> None:
        share = "" if part is None else f" ({part:.0%})"
        self._output.errors.write(f"\r{count} frames read{share}")
        self._output.errors.flush()
        self._progress_shown = True

    def _clear_progress(self) -> None:
        if self._progress_shown:
            self._output.errors.write("\r\033[K")
            self._output.errors.flush()
