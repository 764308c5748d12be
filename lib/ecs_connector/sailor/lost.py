"""Why a connection to the broker failed, in words: the cause that pika has wrapped up, and what to do about it.

Source: https://pika.readthedocs.io/en/stable/modules/exceptions.html
"""

from __future__ import annotations

import socket

from pika.exceptions import (
    AMQPError,
    AMQPHeartbeatTimeout,
    ChannelClosedByBroker,
    ConnectionClosedByBroker,
    IncompatibleProtocolError,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)

_VARIABLE = "ELASTICIO_AMQP_URI"
_LONGEST_CHAIN = 10


def why(reason: BaseException | str) -> str:
    """Return what made a connection or a channel fail, on one line."""
    if isinstance(reason, str):
        return reason
    cause = _innermost(reason)
    text = _said(cause).rstrip(".")
    advice = _advice(cause)
    return f"{text}. {advice}" if advice else text


def _innermost(error: BaseException) -> BaseException:
    # pika wraps in three ways; a cycle would be its mistake, but must not become an endless loop of ours.
    for _ in range(_LONGEST_CHAIN):
        inner = (getattr(error, "exceptions", None) or (None,))[-1] or getattr(error, "exception", None)
        if inner is None and error.args:
            inner = error.args[0]
        if not isinstance(inner, BaseException):
            break
        error = inner
    return error


def _said(error: BaseException) -> str:
    if _is_untrusted(error):
        return f"its certificate is not accepted: {getattr(error, 'verify_message', '') or error}"
    if isinstance(error, (ConnectionClosedByBroker, ChannelClosedByBroker)):
        return f"the broker has closed it: {error.reply_code} {error.reply_text}"
    if isinstance(error, AMQPHeartbeatTimeout):
        return "nothing was heard from the broker for two heartbeats"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error)
    if isinstance(error, AMQPError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _advice(error: BaseException) -> str | None:
    if isinstance(error, ProbableAuthenticationError):
        return f"Check the user name and the password in {_VARIABLE}"
    if isinstance(error, ProbableAccessDeniedError):
        return f"Check the virtual host in {_VARIABLE}, and the user's rights on it"
    if _is_untrusted(error):
        return "Check the host name in " + _VARIABLE + ", or set SSL_CERT_FILE to the broker's certificate authority"
    if isinstance(error, socket.gaierror):
        return f"Check the host name in {_VARIABLE}"
    if isinstance(error, IncompatibleProtocolError) or type(error).__name__ == "SSLError":
        return f"Check scheme and port in {_VARIABLE}: amqps for TLS, amqp without"
    if isinstance(error, ConnectionRefusedError):
        return f"Check host and port in {_VARIABLE}, and that the broker runs"
    return None


def _is_untrusted(error: BaseException) -> bool:
    # By name: loading ssl costs more than everything else here, and most brokers are reached without it.
    return type(error).__name__ == "SSLCertVerificationError"
