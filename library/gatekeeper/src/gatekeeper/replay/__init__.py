"""Makes a witness log's decisions again, by the gatekeeper's own policies, and tells which it doesn't justify."""

from gatekeeper.replay.finding import Finding, Summary
from gatekeeper.replay.judge import Judge

__all__ = ["Finding", "Judge", "Summary"]
