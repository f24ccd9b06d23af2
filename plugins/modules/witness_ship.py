#!/usr/bin/python
# Copyright: Guardian Council
# SPDX-License-Identifier: Apache-2.0
"""Brings an archive of the IF.witness log up to date."""

from __future__ import annotations

DOCUMENTATION = r"""
module: witness_ship
short_description: Bring an archive of the IF.witness log up to date
description:
  - Sends an archive what it lacks of a replica's log, and nothing else. Only records are sent that a checkpoint
    stands for which is cosigned as the policy demands.
  - What comes is checked before it counts. The archive's checkpoint is replaced last, once the tree over what the
    archive has and what came has the root that was cosigned. The archive verifies by itself, with C(h323-witness
    verify).
  - A source that shows another history than the archive has (a fork), or less (a rollback), is refused. Both
    checkpoints are kept in the archive's folder C(evidence).
  - It may be interrupted at any point. The next run does the rest.
options:
  source:
    description:
      - Where the log is, either a replica's folder above the streams' folders, or the C(https) address of a
        replica's log service.
    type: str
    required: true
  archive:
    description:
      - The archive's folder, which is made if it is missing. It may be mounted.
      - No file in it is ever appended to. A file is written as a whole beside the one it replaces, and renamed.
    type: path
    required: true
  policy:
    description:
      - The policy (C2SP tlog-policy) that says whose signatures count. Never take the one that lies in the source.
    type: path
    required: true
  streams:
    description:
      - The streams that are shipped; all of them by default.
    type: list
    elements: str
    choices: [h323_ras, gateway, failover]
  wait:
    description:
      - Seconds that a source may have less than the archive, as a replica may for a moment, before that is refused
        as a rollback.
    type: float
    default: 10.0
  mark:
    description:
      - Whether to leave a mark in a O(source) that is a folder, up to which C(h323-witness rotate) may remove old
        days there. It takes a user who may write there, as the owner of the day files.
    type: bool
    default: true
  ca:
    description:
      - The certificate of the council's authority, PEM. For a O(source) that is an address.
    type: path
    default: /etc/guardian-council/pki/ca.pem
  certificate:
    description:
      - This host's certificate, PEM. For a O(source) that is an address.
    type: path
    default: /etc/guardian-council/pki/host.pem
  private_key:
    description:
      - The file of this host's private key, PEM. For a O(source) that is an address.
    type: path
    default: /etc/guardian-council/pki/host-key.pem
  executable:
    description:
      - The program C(h323-witness), as a path, or as a name that is found in E(PATH) or where role C(release) puts
        it.
    type: str
    default: h323-witness
attributes:
  check_mode:
    support: full
    description: Proves that the source's log goes on from the archive's, and says how many records would be sent.
      Writes nothing.
  diff_mode:
    support: full
    description: Each stream's number of records in the archive, before and after.
author:
  - Guardian Council (@guardian-council)
"""

EXAMPLES = r"""
- name: Bring the mounted archive up to date, as the owner of the day files
  witness_ship:
    source: /var/log/guardian-council
    archive: /mnt/archive/guardian-council
    policy: /etc/h323-witness/policy
  become: true
  become_user: h323-mirror

- name: Fetch the log to this host
  witness_ship:
    source: https://192.0.2.13:9721
    archive: /srv/witness-archive
    policy: /etc/h323-witness-archive/policy
"""

RETURN = r"""
sent:
  description: How many records were sent, in all streams; in check mode, how many would be.
  returned: always
  type: int
  sample: 1270
streams:
  description: By the stream's name, what became of it. Streams with an error are not in it.
  returned: always
  type: dict
  sample: {h323_ras: {before: 70000, after: 71270, sent: 1270}}
  contains:
    before:
      description: How many records the archive had.
      type: int
    after:
      description: How many records the archive has.
      type: int
    sent:
      description: The difference.
      type: int
errors:
  description: Why streams were not shipped.
  returned: failure
  type: list
  elements: dict
  contains:
    stream:
      description: The stream's name.
      type: str
    kind:
      description: C(fork) or C(rollback), where the source is refused; C(archive) or C(source), where it can't be
        used.
      type: str
    text:
      description: What is wrong, and what to do.
      type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.h323_witness import STREAMS, Program

SPEC = {
    "source": {"type": "str", "required": True},
    "archive": {"type": "path", "required": True},
    "policy": {"type": "path", "required": True},
    "streams": {"type": "list", "elements": "str", "choices": list(STREAMS)},
    "wait": {"type": "float", "default": 10.0},
    "mark": {"type": "bool", "default": True},
    "ca": {"type": "path", "default": "/etc/guardian-council/pki/ca.pem"},
    "certificate": {"type": "path", "default": "/etc/guardian-council/pki/host.pem"},
    "private_key": {"type": "path", "default": "/etc/guardian-council/pki/host-key.pem"},
    "executable": {"type": "str", "default": "h323-witness"},
}
_SHIPPED, _REFUSED, _NOT_SHIPPED = 0, 1, 2


def arguments(parameters: dict[str, Any], *, check: bool) -> list[str]:
    """The program's arguments."""
    given = ["ship", "--policy", parameters["policy"], f"--wait={parameters['wait']}"]
    for stream in parameters["streams"] or []:
        given += ["--stream", stream]
    if parameters["source"].startswith("https://"):
        for name in ("ca", "certificate", "private_key"):
            given += [f"--{name.replace('_', '-')}", parameters[name]]
    if not parameters["mark"]:
        given.append("--no-mark")
    if check:
        given.append("--check")
    return [*given, "--", parameters["source"], parameters["archive"]]


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    asked = arguments(module.params, check=module.check_mode)
    _, answer = Program(module).ask(asked, (_SHIPPED, _REFUSED, _NOT_SHIPPED))
    streams, errors = answer["streams"], answer["errors"]
    result = {
        "changed": answer["sent"] > 0,
        "sent": answer["sent"],
        "streams": streams,
        "diff": {when: {name: each[when] for name, each in streams.items()} for when in ("before", "after")},
    }
    if errors:
        text = " ".join(f"{each['stream']}: {each['text'].rstrip('.')}." for each in errors)
        module.fail_json(msg=f"{module.params['archive']} is not up to date. {text}", errors=errors, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
