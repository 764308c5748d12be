"""Never executed, only type-checked: the public signatures as a user would call them."""

from __future__ import annotations

from ecs_connector import Component, errors


def use() -> None:
    """Call what interfaces outside this repository rely on."""
    component = Component.load()
    Component.load("some/folder")
    config = {"region": "eu-central-1", "maxItems": 3}
    try:
        for emission in component.run("ListClusters", body={}, config=config, snapshot=None, message_id="m-1"):
            kind: str = emission.kind
            region: object = emission.headers["region"]
            del kind, region
    except errors.InputError as error:
        pointers: list[str] = [violation.pointer for violation in error.violations]
        del pointers
    except errors.ConfigError as error:
        field: str | None = error.field
        del field
    except errors.ServiceError as error:
        facts: tuple[str, str, int, str | None, str, int, bool] = (
            error.code,
            error.message,
            error.status,
            error.request_id,
            error.operation,
            error.attempts,
            error.retryable,
        )
        del facts
    except errors.TransportError as error:
        sent: bool = error.sent
        del sent
    except errors.PartialFailure as error:
        failures: list[dict[str, object]] = error.failures
        del failures, error.output
    except (errors.WaitFailed, errors.WaitTimedOut) as error:
        reason: str = error.reason
        del reason
