#!/usr/bin/python
# Copyright: Guardian Council
# SPDX-License-Identifier: Apache-2.0
"""Says what an IF.witness log has, and whether it is good."""

from __future__ import annotations

DOCUMENTATION = r"""
module: witness_log_info
short_description: Say what an IF.witness log has, and whether it is good
description:
  - Verifies a log, a replica's or an archive's, and says how many records each stream has, up to where its
    checkpoint goes, who has cosigned it and when.
  - A log that is not good does not fail the module. See RV(verdict).
options:
  directory:
    description:
      - The folder above the streams' folders, or the folder of one stream.
    type: path
    required: true
  policy:
    description:
      - The policy (C2SP tlog-policy) that says whose signatures count. Never take the one that lies in the log's
        own folder.
    type: path
    required: true
  max_age:
    description:
      - Seconds by which the newest cosignature may be older than the newest record.
    type: float
    default: 60.0
  wait:
    description:
      - Seconds to wait, on a log that is written to, until the newest records are covered by a checkpoint.
    type: float
    default: 0.0
  executable:
    description:
      - The program C(h323-witness), as a path, or as a name that is found in E(PATH) or where role C(release) puts
        it.
    type: str
    default: h323-witness
attributes:
  check_mode:
    support: full
    description: Nothing is ever changed.
  diff_mode:
    support: none
    description: Nothing is ever changed.
author:
  - Guardian Council (@guardian-council)
"""

EXAMPLES = r"""
- name: Verify the archive
  witness_log_info:
    directory: /srv/witness-archive
    policy: /etc/h323-witness-archive/policy
  register: archive

- name: Refuse to go on with a log that was tampered with
  ansible.builtin.assert:
    that: archive.verdict == 'good'
    fail_msg: "{{ archive.streams.values() | map(attribute='findings') | flatten | map(attribute='text') | join }}"
"""

RETURN = r"""
verdict:
  description:
    - What to think of the log. C(good), C(tampered), C(unsigned tail) where there are records beyond the checkpoint
      and all else is good, or C(stale) where too few have cosigned it, or not for too long.
  returned: success
  type: str
  sample: good
streams:
  description: By the stream's name, what there is.
  returned: success
  type: dict
  contains:
    verdict:
      description: As above, for this stream.
      type: str
    origin:
      description: What the log is called.
      type: str
    folder:
      description: Where it is.
      type: str
    records:
      description: How many records there are in all.
      type: int
    first:
      description: The first record that is there. Those before were removed, and tiles stand for them.
      type: int
    uncovered:
      description: How many records are beyond the checkpoint.
      type: int
    checkpoint:
      description: C(size), C(root) in Base64, and C(cosigned), which says by the cosigner's name when; null if
        there is none.
      type: dict
    age:
      description: Seconds since the newest cosignature; null if there is none.
      type: int
    findings:
      description: What is wrong and where, and what to do next.
      type: list
      elements: dict
"""

from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.h323_witness import Program

SPEC = {
    "directory": {"type": "path", "required": True},
    "policy": {"type": "path", "required": True},
    "max_age": {"type": "float", "default": 60.0},
    "wait": {"type": "float", "default": 0.0},
    "executable": {"type": "str", "default": "h323-witness"},
}
_VERDICTS = (0, 1, 2, 3)
_KEPT = ("verdict", "origin", "folder", "records", "first", "uncovered", "checkpoint", "findings")


def age(checkpoint: dict[str, Any] | None, now: datetime) -> int | None:
    """Seconds since the newest cosignature."""
    cosigned = (checkpoint or {}).get("cosigned") or {}
    times = [datetime.strptime(each, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc) for each in cosigned.values()]
    return int((now - max(times)).total_seconds()) if times else None


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    given = module.params
    asked = ["verify", "--policy", given["policy"], f"--max-age={given['max_age']}", f"--wait={given['wait']}"]
    _, answer = Program(module).ask([*asked, "--", given["directory"]], _VERDICTS)
    now = datetime.now(timezone.utc)
    streams = {
        each["stream"]: {name: each[name] for name in _KEPT} | {"age": age(each["checkpoint"], now)}
        for each in answer["streams"]
    }
    module.exit_json(changed=False, verdict=answer["verdict"], streams=streams)


if __name__ == "__main__":
    main()
