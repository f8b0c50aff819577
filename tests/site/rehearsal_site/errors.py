# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors as a site words them: HTTP 200, and one of two shapes."""

from __future__ import annotations

from .switches import Switches

NO_TOKEN = "Unauthorized access. Token not found. You can generate a token using the 'generateToken' operation."
DENIED = "Token is valid but access is denied."
NO_MACHINES = "Could not access any server machines. Please contact your system administrator."


class SiteError(Exception):
    """What a handler raises; the side of the site that was asked gives it its shape."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        details: list[str] | None = None,
        extra: dict[str, object] | None = None,
        shape: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.shape = code, message, shape
        self.details: list[str] = details or []
        self.extra = extra or {}


def admin_body(code: int, message: str, switches: Switches | None = None) -> dict[str, object]:
    body: dict[str, object] = {
        "status": "error" if switches is None else switches["error_word"],
        "messages": [message],
    }
    if switches is None or switches["error_code"] == "present":
        body["code"] = code
    return body


def rest_body(error: SiteError, switches: Switches | None = None) -> dict[str, object]:
    inner: dict[str, object] = {"message": error.message, "details": error.details, **error.extra}
    if switches is None or switches["error_code"] == "present":
        inner = {"code": error.code, **inner}
    return {"error": inner}


def shaped(error: SiteError, side: str, switches: Switches) -> dict[str, object]:
    """The body of an error on one side of the site: admin, rest or portal."""
    shape = error.shape or (switches["admin_error_shape"] if side == "admin" else "rest")
    if shape == "admin":
        text = error.message if not error.details or side == "admin" else error.details[0]
        return admin_body(error.code, text, switches)
    return rest_body(error, switches)


def not_found(name: str) -> SiteError:
    return SiteError(404, f"Could not find resource or operation '{name}' on the system.")


def no_token(side: str) -> SiteError:
    if side == "admin":
        return SiteError(499, NO_TOKEN)
    return SiteError(499, "Token Required", details=["Token Required"], extra={"messageCode": "GWM_0003"})


def bad_token(message: str = "Invalid token.") -> SiteError:
    return SiteError(498, message)


def forbidden(side: str, service: str | None = None) -> SiteError:
    if side == "admin":
        return SiteError(403, DENIED)
    if side == "portal":
        return SiteError(403, "You do not have permissions to access this resource or perform this operation.")
    name = (service or "").rsplit(".", 1)[0]
    return SiteError(403, f"User does not have permissions to access '{name}.gpserver'.", extra={"subcode": 2})
