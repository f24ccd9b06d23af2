# Copyright: Guardian Council
# SPDX-License-Identifier: Apache-2.0
"""What the modules have in common that call the program h323-witness."""

from __future__ import annotations

import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule

PROGRAM = "h323-witness"
STREAMS = ("h323_ras", "gateway", "failover")
_CURRENT = "/opt/guardian-council/current/bin"


class Program:
    """The program, run once for each question; what it says in JSON is the answer."""

    def __init__(self, module: AnsibleModule) -> None:
        """`module` has the parameter `executable`."""
        self._module = module
        executable = module.params["executable"]
        # A path is taken as it is; a name is looked for, also where role release puts it.
        self._path = module.get_bin_path(executable, required=False, opt_dirs=[_CURRENT])
        if self._path is None:
            advice = "install the release there (role release), or name the program in executable"
            module.fail_json(msg=f"{executable} is not on this host: {advice}.")

    def ask(self, arguments: list[str], answers: tuple[int, ...]) -> tuple[int, dict[str, Any]]:
        """Its exit code, which is one of `answers`, and what it printed; anything else fails the module."""
        command = [self._path, arguments[0], "--json", *arguments[1:]]
        code, out, err = self._module.run_command(command)
        text = err.strip() or out.strip()
        if code not in answers:
            self._module.fail_json(msg=text or f"{PROGRAM} ended with exit code {code}.", rc=code)
        try:
            answer = json.loads(out)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            self._module.fail_json(
                msg=text or f"{self._path} does not answer in JSON: name the program h323-witness in executable.",
                rc=code,
            )
        return code, answer
