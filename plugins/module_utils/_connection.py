# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The connection: which site is asked, as whom, and within which bounds. Checked before anything is sent."""

from __future__ import annotations

import os
import typing as t
from urllib.parse import urlsplit

from ._errors import BadOption
from ._options import CONNECTION, Read, check_range, is_blank, strict_bool

_LEAST = {"timeout": 1, "total_timeout": 0, "retries": 0, "connections": 1, "max_answer_size": 1, "max_requests": 1}


class Connection(t.NamedTuple):
    """The connection options, checked. No value is empty; times are seconds unless said otherwise."""

    url: str
    api: str
    username: str | None
    password: str | None
    token: str | None
    token_url: str | None
    referer: str
    validate_certs: bool
    ca_path: str | None
    client_cert: str | None
    client_key: str | None
    proxy: str | None
    no_proxy: tuple[str, ...]
    timeout: int
    total_timeout: int
    retries: int
    connections: int
    max_answer_size: int
    """Mebibytes."""
    max_requests: int
    token_expiration: int = 60
    """Minutes."""

    @property
    def can_log_in(self) -> bool:
        """Whether there is what a login takes."""
        return self.username is not None and self.password is not None

    @classmethod
    def read(cls, get: Read, token_expiration: int = 60) -> Connection:
        """Read the connection that these options describe; raise BadOption if it cannot be meant.

        :param token_expiration: the life in minutes to ask for with a login.
        """
        values: dict[str, t.Any] = {name: _value(name, get(name)) for name in CONNECTION}
        if values["url"] is None:
            raise BadOption("No site is named", where="option url", cure="Give url, or set ARCGIS_URL.")
        if values["token"] is None and (values["username"] is None or values["password"] is None):
            lacking = " and ".join(name for name in ("username", "password") if values[name] is None)
            raise BadOption(
                f"Nothing to log in with: {lacking} not given",
                where="options username, password, token",
                cure="Give username and password, or a token (ARCGIS_USERNAME, ARCGIS_PASSWORD, ARCGIS_TOKEN).",
            )
        for name in ("token", "referer"):
            values[name] = _for_header(name, values[name])
        if values["token_url"] is not None and not _is_address(values["token_url"], "https"):
            raise BadOption(
                "The token service has no https address",
                where="option token_url",
                cure="Give token_url with https, like https://gis.example.com/portal/sharing/rest/generateToken.",
            )
        if values["proxy"] is not None and not _is_address(values["proxy"], "http", "https"):
            raise BadOption(
                "This is not the address of a proxy",
                where="option proxy",
                cure="Write it like http://proxy.example.com:3128.",
            )
        for name, least in _LEAST.items():
            check_range(name, values[name], least)
        check_range("token_expiration", token_expiration, 1)
        if values["client_key"] is not None and values["client_cert"] is None:
            raise BadOption(
                "A key is given without its certificate", where="option client_key", cure="Give client_cert."
            )
        for name in ("ca_path", "client_cert", "client_key"):
            if values[name] is not None and not os.access(values[name], os.R_OK):
                raise BadOption(
                    f"{values[name]} is not there or cannot be read",
                    where=f"option {name}",
                    cure="Name a PEM file on the machine where the task runs.",
                )
        return cls(**values, token_expiration=token_expiration)


def _value(name: str, value: t.Any) -> t.Any:
    """Return an option's value of the type that it has here; a blank one is the default."""
    option = CONNECTION[name]
    if value is None or is_blank(value):
        value = option.get("default")
    if name == "no_proxy":
        return tuple(str(host).strip() for host in value or () if str(host).strip())
    if name == "validate_certs":
        return strict_bool(value, name)
    if value is None or option["type"] == "int":
        return value
    # Plain text of what tagged data, or a variable from a vault, only looks like: libraries take nothing else.
    text = str(value)
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise BadOption("It is no text in UTF-8", where=f"option {name}", cure="Look at where it comes from.")
    return text


def _for_header(option: str, value: str | None) -> str | None:
    """Return a text that a header can carry; one that was read from a file may end with a line break."""
    if value is None:
        return None
    if not value.strip().isascii() or not value.strip().isprintable():
        raise BadOption(
            "It has letters that no header can carry", where=f"option {option}", cure="Look for line breaks in it."
        )
    return value.strip()


def _is_address(address: str, *schemes: str) -> bool:
    try:
        parts = urlsplit(address.strip())
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0 and address.strip().isprintable()
    except ValueError:
        return False
