# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What our modules share around their few lines: options, the check for requests, and errors as results."""

from __future__ import annotations

import os
import select
import sys
import threading
import typing as t
from contextlib import contextmanager, suppress

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from . import _options
from ._errors import GpError, unforeseen
from ._wire import transport


class GpModule(AnsibleModule):
    """An AnsibleModule for tables of options; a module that only reads, in check mode too."""

    def __init__(self, *tables: _options.Table, on_failure: t.Mapping[str, t.Any] | None = None) -> None:
        """Read the options of a task.

        :param on_failure: keys that a failed result has as well, whatever it failed with.
        """
        self._on_failure = dict(on_failure or {})
        super().__init__(argument_spec=_options.argument_spec(*tables), supports_check_mode=True)
        self.no_log_values |= _options.secrets_in(self.params, self.argument_spec)
        if transport.REQUESTS_IMPORT_ERROR is not None:
            self.fail_json(msg=missing_required_lib("requests"), exception=transport.REQUESTS_IMPORT_ERROR)

        threading.Thread(target=_leave_with_the_reader, daemon=True).start()

    def _load_params(self) -> None:
        """Take the task's options less those that a template rendered to nothing."""
        super()._load_params()
        self.no_log_values |= _options.secrets_in(self.params, self.argument_spec)
        self.params = _options.without_empty(self.params)

    def fail_json(self, msg: str, **kwargs: t.Any) -> t.NoReturn:
        """End with a failed result that has the keys of a good one."""
        super().fail_json(msg, **{**self._on_failure, **kwargs})
        raise SystemExit(1)  # not reached, which older releases of core do not tell

    @contextmanager
    def reporting_errors(self) -> t.Iterator[None]:
        """End the module with a failed result for each error, and for one of our own faults with what is no secret."""
        try:
            yield
        except GpError as error:
            self.fail_json(**error.to_result())
        except Exception as error:
            self.fail_json(**unforeseen(error))


def _leave_with_the_reader() -> None:
    """End this process when nobody is left to read its result: a run that was broken off asks the site nothing more."""
    with suppress(AttributeError, OSError, ValueError):  # there is nothing to look at
        poller = select.poll()
        poller.register(sys.stdout.fileno(), 0)
        if any(event & (select.POLLERR | select.POLLHUP) for _file, event in poller.poll()):
            os._exit(1)
