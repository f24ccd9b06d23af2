"""Colours, on a terminal only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Colours:
    """Paints text, or leaves it as it is."""

    enabled: bool

    def _paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.enabled else text

    def title(self, text: str) -> str:
        """What a message is."""
        return self._paint("1", text)

    def faint(self, text: str) -> str:
        """What is seldom looked at."""
        return self._paint("2", text)

    def good(self, text: str) -> str:
        """A signature that holds."""
        return self._paint("32", text)

    def noted(self, text: str) -> str:
        """Worth a look."""
        return self._paint("33", text)

    def refused(self, text: str) -> str:
        """A refusal."""
        return self._paint("1;33", text)

    def bad(self, text: str) -> str:
        """What is wrong."""
        return self._paint("1;31", text)
