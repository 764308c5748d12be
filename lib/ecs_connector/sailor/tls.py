"""Whose certificates the platform's own services are believed by: the system's authorities and certifi's.

`SSL_CERT_FILE` and `SSL_CERT_DIR` replace the system's, as everywhere OpenSSL is.
Source: https://docs.openssl.org/3.0/man3/SSL_CTX_load_verify_locations/
"""

from __future__ import annotations

import ssl

import certifi


def context() -> ssl.SSLContext:
    """Return a context for connections to the broker, the platform's API and its object storage."""
    made = ssl.create_default_context()
    made.load_verify_locations(certifi.where())
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made
