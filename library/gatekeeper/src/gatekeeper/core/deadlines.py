"""When each registration's timeToLive runs out (H.225.0 7.9.1), O(log n) however often it is extended."""

from __future__ import annotations

import heapq
from collections.abc import Mapping


class Deadlines:
    """Deadlines by endpointIdentifier, in monotonic seconds."""

    def __init__(self) -> None:
        self._deadlines: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._looks: dict[str, float] = {}
        """When the heap has each of them looked at: its one entry that counts."""

    def __len__(self) -> int:
        return len(self._deadlines)

    def extend(self, endpoint_identifier: str, deadline: float) -> None:
        """Set or move a deadline; moving it later costs nothing until the earlier one comes up."""
        self._deadlines[endpoint_identifier] = deadline
        look = self._looks.get(endpoint_identifier)
        if look is None or deadline < look:
            self._look(endpoint_identifier, deadline)

    def extend_all(self, deadlines: Mapping[str, float]) -> None:
        """As `extend` for each, where none has been set: at once, as there may be 100,000."""
        self._deadlines = dict(deadlines)
        self._looks = dict(deadlines)
        self._heap = [(deadline, endpoint_identifier) for endpoint_identifier, deadline in deadlines.items()]
        heapq.heapify(self._heap)

    def _look(self, endpoint_identifier: str, when: float) -> None:
        self._looks[endpoint_identifier] = when
        heapq.heappush(self._heap, (when, endpoint_identifier))

    def cancel(self, endpoint_identifier: str) -> None:
        """Forget a deadline."""
        self._deadlines.pop(endpoint_identifier, None)

    def passed(self, monotonic: float) -> list[str]:
        """The endpoints whose deadline has passed; they are forgotten."""
        passed = []
        while self._heap and self._heap[0][0] <= monotonic:
            when, endpoint_identifier = heapq.heappop(self._heap)
            if self._looks.get(endpoint_identifier) != when:
                # Its deadline was moved to before this one.
                continue
            del self._looks[endpoint_identifier]
            deadline = self._deadlines.get(endpoint_identifier)
            if deadline is None:
                continue
            if deadline <= monotonic:
                del self._deadlines[endpoint_identifier]
                passed.append(endpoint_identifier)
            else:
                self._look(endpoint_identifier, deadline)
        return passed
