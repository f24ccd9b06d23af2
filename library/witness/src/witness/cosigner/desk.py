"""Decides what is submitted, and keeps what must be kept before the answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from witness.cosigner.evidence import EvidenceFolder, Submitter
from witness.cosigner.judgement import TEXT, Charge, Judge, Judgement
from witness.cosigner.memory import Memory
from witness.cosigner.metrics import CosignerMetrics

LOGGER = logging.getLogger(__name__)
_DISK_TROUBLE = 500


class Desk:
    """One request after the other, each from check to disk without a pause: so two can't be decided on one state."""

    def __init__(
        self,
        judge: Judge,
        memory: Memory,
        evidence: EvidenceFolder,
        metrics: CosignerMetrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives seconds since 1970 (UTC)."""
        self._judge = judge
        self._memory = memory
        self._evidence = evidence
        self._metrics = metrics
        self._clock = clock

    def submit(self, body: bytes, submitter: Submitter) -> Judgement:
        """The answer, which may be given as soon as this returns. It never awaits anything."""
        now = self._clock()
        judgement = self._judge.judge(body, self._memory.kept, int(now))
        if judgement.charge is not None:
            self._keep_evidence(judgement.charge, submitter, now)
        if judgement.cosigned is not None:
            try:
                self._memory.keep(judgement.cosigned)
            except OSError:
                LOGGER.exception("%s is not cosigned: it can't be kept", judgement.origin)
                judgement = Judgement(_DISK_TROUBLE, "this can't be kept\n", TEXT, judgement.origin)
        self._metrics.answered(judgement)
        return judgement

    def _keep_evidence(self, charge: Charge, submitter: Submitter, now: float) -> None:
        checkpoint = charge.request.checkpoint
        LOGGER.critical(
            "%s: %s at %s submits a tree of %d records that does not continue what was cosigned, %d records (%s)",
            *(checkpoint.origin, submitter.name, submitter.address, checkpoint.size),
            *(charge.cosigned.checkpoint.size, charge.kind.value),
        )
        try:
            path = self._evidence.keep(charge, submitter, now)
        except OSError as error:
            LOGGER.critical("this evidence can't be kept: %s", error)
            return
        if path is not None:
            LOGGER.critical("the evidence is %s", path)
