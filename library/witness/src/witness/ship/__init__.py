"""Keeps an archive of the log: what was cosigned is brought there, and checked before it counts."""

from witness.ship.archive import ArchiveError, FolderArchive
from witness.ship.errors import Refusal, RefusedError, ShipError
from witness.ship.shipping import Shipment, Shipping
from witness.ship.source import FolderSource, Source, SourceError

__all__ = [
    "ArchiveError",
    "FolderArchive",
    "FolderSource",
    "Refusal",
    "RefusedError",
    "ShipError",
    "Shipment",
    "Shipping",
    "Source",
    "SourceError",
]
