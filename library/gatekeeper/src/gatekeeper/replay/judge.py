"""Walks a log's records in their order and asks the gatekeeper's own policies whether they would decide so, too."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from gatekeeper.core.effects import Instant
from gatekeeper.core.gatekeeper import NEIGHBOUR, UNPROVEN
from gatekeeper.core.inventory import ITEMS
from gatekeeper.core.settings import CoreSettings
from gatekeeper.core.term_record import FORMAT, REGISTRY, STATE, TERM
from gatekeeper.registry import Registry
from gatekeeper.replay.fields import Fields, RecordError
from gatekeeper.replay.finding import Finding, Summary
from gatekeeper.replay.history import History
from gatekeeper.replay.inventory import Comparison, stock_of
from gatekeeper.replay.opening import Opening
from gatekeeper.replay.own_decisions import OwnDecisions
from gatekeeper.replay.proven import Circumstances, Verdict, judge_neighbours, judge_proven
from gatekeeper.replay.settings_of import settings_of

Registries = Callable[[str], "Registry | None"]
"""Gives the registry of a version, None where nobody has kept it."""

_REQUESTS = frozenset({"GRQ", "RRQ", "URQ", "ARQ", "BRQ", "DRQ", "LRQ", "IRR", "RAI", "SCI"})
_ANSWERS = frozenset(
    ("RCF", "RRJ", "UCF", "URJ", "ACF", "ARJ", "BCF", "BRJ", "DCF", "DRJ", "LCF", "LRJ", "INAK", "IACK", "RAC")
)
_CONFIRMS = frozenset({"GCF", "RCF", "UCF", "ACF", "BCF", "DCF", "LCF", "IACK", "RAC"})


class Judge:
    """Takes one record after the other; what it thinks of them is in `summary`."""

    def __init__(self, registries: Registries) -> None:
        self._registries = registries
        self._history = History()
        self._settings: CoreSettings | None = None
        self._registry: Registry | None = None
        self._version: str | None = None
        self._epoch = -1
        self._asked: Fields | None = None
        self._own = OwnDecisions(self._history)
        self._opening: Opening | None = None
        self._comparison: Comparison | None = None
        self.summary = Summary()
        self.begun = False
        """Whether there was a moment of which the log tells all that there was."""

    def take(self, record: Mapping[str, object]) -> None:
        """The next record. Whatever is in it, this raises nothing."""
        self.summary.records += 1
        self._take_safely(Fields(record))

    def _take_safely(self, fields: Fields) -> None:
        try:
            if self.begun:
                self._take(fields)
            else:
                self._await_beginning(fields)
        except (ValueError, KeyError) as error:
            # A RecordError, or an index of the state that refuses what the log claims.
            self._find(fields, Verdict(f"nothing that a gatekeeper writes: {error}", "the form of records"))

    def finish(self) -> None:
        """There are no more records."""
        if not self.begun:
            self.summary.before = self.summary.records
        if self._asked is not None:
            # Its answer may be on its way into the file.
            verdict = Verdict("its answer behind it: the log ends here", "each request has its answer")
            self.summary.add(_finding(self._asked, verdict), judged=False)

    # How it begins

    def _await_beginning(self, fields: Fields) -> None:
        """A term that inherits nothing is one; otherwise each TERM and STATE, once its items are told."""
        kind = fields.needed_text("msg_type")
        if kind in (TERM, STATE):
            self._opening = None
            opening = Opening(fields, self.summary.records - 1)
            if any(_sums(fields)):
                self._opening = opening
            else:
                self._begin(opening)
            return
        if self._opening is None:
            return
        try:
            self._go_on_opening(self._opening, fields)
        except (ValueError, KeyError):
            self._opening = None
            raise

    def _go_on_opening(self, opening: Opening, fields: Fields) -> None:
        if fields.needed_text("msg_type") == ITEMS:
            opening.take(fields)
            if opening.complete:
                self._begin(opening)
        elif not opening.hold(fields):
            # A release before 2026-11-24 wrote no items.
            self._opening = None

    def _begin(self, opening: Opening) -> None:
        self._history = opening.history()
        self._own = OwnDecisions(self._history)
        self._opening = None
        self.summary.before = opening.before
        self.begun = True
        self._begin_term(opening.sums)
        self._take_sums(opening.sums)
        # Its pages are read already.
        self._comparison = None
        for fields in opening.held:
            self._take_safely(fields)

    # How it goes on

    def _take(self, fields: Fields) -> None:
        kind = fields.needed_text("msg_type")
        asked, self._asked = self._asked, None
        if kind == TERM:
            self._begin_term(fields)
        elif fields.number("epoch") != self._epoch:
            self._find(fields, Verdict(f"a record of epoch {self._epoch}", "one epoch at a time"))
        if kind in (TERM, STATE):
            self._take_sums(fields)
        elif kind == ITEMS:
            self._compare(fields)
        elif kind == REGISTRY:
            self._use_registry(fields)
        elif kind in _REQUESTS and "request_digest" in fields:
            self._asked = fields
        elif kind in _ANSWERS and "answers" not in fields:
            self._take_answer(asked, fields)
            return
        else:
            self._take_own(fields)
        if asked is not None:
            self._find(asked, Verdict("its answer behind it", "each request has its answer"))

    # Terms and registries

    def _begin_term(self, fields: Fields) -> None:
        epoch = fields.needed_number("epoch")
        if epoch <= self._epoch:
            self._find(fields, Verdict(f"an epoch above {self._epoch}", "epochs only rise"))
        self._epoch = epoch
        self._settings = self._registry = self._version = None
        self.summary.terms += 1

    def _take_sums(self, fields: Fields) -> None:
        state = self._history.state
        own = (len(state.registrations), len(state.calls), state.calls.total_bandwidth)
        if _sums(fields) != own:
            self._find(fields, Verdict("{} registrations, {} calls, {} bit/s".format(*own), "a term inherits all"))
        self._comparison = Comparison(stock_of(state), fields.needed_number("index"))
        settings = settings_of(fields.inner("settings"), fields.needed_text("node"))
        if self._settings is None:
            self._settings = self._own.settings = settings
        elif settings != self._settings:
            self._find(fields, Verdict("the settings that the term began with", "settings change between terms"))

    def _compare(self, fields: Fields) -> None:
        if self._comparison is None:
            raise RecordError("a page of nothing")
        for difference in self._comparison.differences(fields):
            self._find(fields, Verdict(difference, "a term inherits all"))

    def _use_registry(self, fields: Fields) -> None:
        self._version = fields.needed_text("version")
        self._registry = self._registries(self._version)
        self._own.registry = self._registry

    # Requests and their answers

    def _take_answer(self, asked: Fields | None, told: Fields) -> None:
        if asked is None or told.number("answers_index") != asked.number("index"):
            self._find(told, Verdict("the request that it answers, right before it", "an answer has its request"))
            return
        for name in ("authentication", "terminal_id", "key_epoch"):
            if asked.values.get(name) != told.values.get(name):
                self._find(told, Verdict(f"the {name} of its request", "an answer has its request"))
        self._judge(asked, told)

    def _judge(self, asked: Fields, told: Fields) -> None:
        believed = asked.needed_text("authentication")
        confirmed = told.needed_text("msg_type") in _CONFIRMS
        if believed == UNPROVEN:
            self.summary.unproven += 1
            if confirmed:
                self._find(told, Verdict("a refusal", "only who proves who they are is granted anything"))
                self._history.follow(asked, told)
            return
        settings = self._settings
        if settings is None:
            raise RecordError("there is no term")
        if believed == NEIGHBOUR:
            self._conclude(told, judge_neighbours(asked, told, self._history.state, settings))
            return
        registry = self._registry
        if registry is None or self._version is None:
            self._cannot(told)
            if confirmed:
                self._history.follow(asked, told)
            return
        if told.text("registry") != self._version[: len(told.text("registry") or "?")]:
            self._find(told, Verdict(f"a decision by registry {self._version[:12]}", "the registry in force decides"))
        now = Instant(0.0, asked.unix())
        self._conclude(told, judge_proven(asked, told, Circumstances(self._history, registry, settings, now)))

    def _conclude(self, told: Fields, verdict: Verdict | None) -> None:
        self.summary.judged += 1
        if verdict is not None:
            self._find(told, verdict)

    # What the gatekeeper does by itself

    def _take_own(self, fields: Fields) -> None:
        registry_needed = self._own.needs_registry(fields)
        if registry_needed and self._registry is None:
            self._cannot(fields)
        verdict = self._own.take(fields)
        if verdict is not None:
            self._find(fields, verdict)

    # What comes out

    def _find(self, fields: Fields, verdict: Verdict) -> None:
        self.summary.add(_finding(fields, verdict))

    def _cannot(self, fields: Fields) -> None:
        version = self._version or "of this term, which is not stated"
        verdict = Verdict(f"registry {version} is not among those given", "cannot be judged")
        self.summary.add(_finding(fields, verdict), judged=False)


def _sums(fields: Fields) -> tuple[int, ...]:
    if fields.needed_number("format") > FORMAT:
        raise RecordError("of a later format; use that release's h323-witness")
    return tuple(fields.needed_number(name) for name in ("registrations", "calls", "bandwidth_bps"))


def _finding(fields: Fields, verdict: Verdict) -> Finding:
    index = fields.values.get("index")
    terminal_id = fields.values.get("terminal_id")
    shown = {name: fields.values[name] for name in _SHOWN if name in fields.values}
    decided = " ".join(
        value if isinstance(value, str) else f"{name} {json.dumps(value)}" for name, value in shown.items()
    )
    return Finding(
        index if isinstance(index, int) else -1,
        decided[:200],
        verdict.expected[:500],
        verdict.rule,
        terminal_id if isinstance(terminal_id, str) else None,
    )


_SHOWN = ("msg_type", "reason", "bandwidth_bps", "destination", "mcu")
