"""The settings in force, as a term's record states them (`core/term_record.py`)."""

from __future__ import annotations

from gatekeeper.core.settings import CoreSettings, Mcu
from gatekeeper.replay.fields import Fields


def settings_of(stated: Fields, node: str) -> CoreSettings:
    """The settings that a decision looks at; the others are the defaults.

    Raises:
        RecordError: they aren't settings.
    """
    return CoreSettings(
        node=node,
        gatekeeper_identifier=stated.needed_text("gatekeeper_identifier"),
        ras_address=stated.address("ras_address"),
        ras_address6=stated.address("ras_address6") if stated.text("ras_address6") is not None else None,
        mcus=tuple(
            Mcu(mcu.needed_text("name"), mcu.address("address"), mcu.needed_number("capacity"))
            for mcu in stated.objects("mcus")
        ),
        council_alias=stated.needed_text("council_alias"),
        time_to_live=stated.needed_number("time_to_live"),
        conference_capacity=stated.needed_number("conference_capacity"),
        calls_per_endpoint=stated.needed_number("calls_per_endpoint"),
        maximum_bandwidth_bps=stated.needed_number("maximum_bandwidth_bps"),
        max_registrations=stated.needed_number("max_registrations"),
        outside_callers=stated.flag("outside_callers"),
        neighbours=stated.texts("neighbours"),
    )
