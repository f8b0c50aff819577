# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private CA and the certificates it gives: one CA a process, for making one takes longer than a site's start."""

from __future__ import annotations

import atexit
import shutil
import ssl
import tempfile
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path

import trustme


@lru_cache(maxsize=1)
def authority() -> trustme.CA:
    return trustme.CA(organization_name="Rehearsal site", organization_unit_name="Test CA")


@lru_cache(maxsize=1)
def temporary_directory() -> Path:
    path = Path(tempfile.mkdtemp(prefix="rehearsal-site-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def write_ca(directory: Path | None = None) -> Path:
    """The CA's certificate as a PEM file; without a directory in one that goes when the process ends."""
    directory = directory or temporary_directory()
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "ca.pem"
    authority().cert_pem.write_to_path(str(path))
    return path


@lru_cache(maxsize=8)
def server_context(host: str, *, client_certificates: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    names = dict.fromkeys(["localhost", "127.0.0.1", "::1", *([] if host in ("0.0.0.0", "::", "") else [host])])
    authority().issue_cert(*names).configure_cert(context)
    if client_certificates:
        context.verify_mode = ssl.CERT_REQUIRED
        authority().configure_trust(context)
    return context


@lru_cache(maxsize=1)
def other_context() -> ssl.SSLContext:
    """A certificate of the right CA for another host."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority().issue_cert("other.example.com").configure_cert(context)
    return context


@lru_cache(maxsize=1)
def expired_context() -> ssl.SSLContext:
    """A certificate of the right CA and for the right host that ran out a day ago."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ended = datetime.now(timezone.utc) - timedelta(days=1)
    begun = ended - timedelta(days=30)
    authority().issue_cert("localhost", "127.0.0.1", not_before=begun, not_after=ended).configure_cert(context)
    return context


@lru_cache(maxsize=1)
def client_certificate() -> tuple[Path, Path]:
    """Certificate and key of a client, for sites that ask for one."""
    certificate = authority().issue_cert("client@example.com")
    paths = temporary_directory() / "client.pem", temporary_directory() / "client.key"
    paths[0].write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(str(paths[1]))
    paths[1].chmod(0o600)
    return paths
