"""Account settings and tags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecs_connector.harness.local.refusal import Refusal, invalid
from ecs_connector.harness.local.state import Json, Region

#: Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html
_DEFAULTS = {
    "awsvpcTrunking": "disabled",
    "containerInsights": "disabled",
    "containerInstanceLongArnFormat": "enabled",
    "defaultLogDriverMode": "non-blocking",
    "fargateFIPSMode": "disabled",
    "fargateTaskRetirementWaitPeriod": "7",
    "guardDutyActivate": "off",
    "serviceLongArnFormat": "enabled",
    "tagResourceAuthorization": "off",
    "taskLongArnFormat": "enabled",
}
_MOST_TAGS = 50


def _principal(region: Region, body: Json) -> str:
    root = f"arn:{region.partition}:iam::{region.account}:root"
    return str(body.get("principalArn") or root)


def _kept(region: Region) -> Json:
    return region.extras.setdefault("settings", {})


def _show(name: str, value: str, principal: str) -> Json:
    kind = "aws_managed" if name == "guardDutyActivate" else "user"
    return {"name": name, "value": value, "principalArn": principal, "type": kind}


def _put_account_setting(region: Region, body: Json) -> Json:
    name, value, principal = body["name"], body["value"], _principal(region, body)
    if name in _DEFAULTS:
        region.moto.call("PutAccountSetting", {"name": name, "value": value})
    _kept(region).setdefault(principal, {})[name] = value
    return {"setting": _show(name, value, principal)}


def _put_account_setting_default(region: Region, body: Json) -> Json:
    return _put_account_setting(region, {"name": body["name"], "value": body["value"]})


def _delete_account_setting(region: Region, body: Json) -> Json:
    name, principal = body["name"], _principal(region, body)
    region.moto.call("DeleteAccountSetting", {"name": name})
    value = _kept(region).get(principal, {}).pop(name, _DEFAULTS.get(name, ""))
    return {"setting": _show(name, value, principal)}


def _list_account_settings(region: Region, body: Json) -> Json:
    principal = _principal(region, body)
    settings = dict(_DEFAULTS) if body.get("effectiveSettings") else {}
    if body.get("effectiveSettings"):
        settings.update(_kept(region).get(_principal(region, {}), {}))
    settings.update(_kept(region).get(principal, {}))
    return {
        "settings": [
            _show(name, value, principal)
            for name, value in sorted(settings.items())
            if body.get("name") in (None, name) and body.get("value") in (None, value)
        ]
    }


# -- tags -----------------------------------------------------------------------------------------------


def _check_resource(region: Region, arn: str) -> str:
    """Return the ARN of something that exists and can have tags.

    Raises:
        Refusal: it is no ECS ARN, or there is no such thing.
    """
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn" or parts[2] != "ecs" or "/" not in parts[5]:
        raise invalid("The ARN provided is invalid.")
    kind, _, rest = parts[5].partition("/")
    head, _, name = rest.partition("/")
    known = {
        "cluster": lambda: region.moto.has_cluster(rest),
        "task-definition": lambda: arn in region.definitions,
        "task": lambda: arn in region.tasks,
        "service": lambda: (head, name) in region.services,
        "container-instance": lambda: arn in region.instances,
        "capacity-provider": lambda: rest in region.extras.get("providers", {}),
    }
    if kind == "cluster" and not known["cluster"]():
        raise Refusal("ClusterNotFoundException", "Cluster not found.")
    if kind in known and not known[kind]():
        raise Refusal("ResourceNotFoundException", "The specified resource could not be found.")
    return arn


def _tag_resource(region: Region, body: Json) -> Json:
    arn = _check_resource(region, body["resourceArn"])
    keys = {*region.tags.get(arn, {}), *(tag["key"] for tag in body["tags"])}
    if len(keys) > _MOST_TAGS:
        raise invalid(f"Too many tags: a resource can have {_MOST_TAGS} at most.")
    region.set_tags(arn, body["tags"])
    return {}


def _untag_resource(region: Region, body: Json) -> Json:
    kept = region.tags.get(_check_resource(region, body["resourceArn"]), {})
    for key in body["tagKeys"]:
        kept.pop(key, None)
    return {}


def _list_tags_for_resource(region: Region, body: Json) -> Json:
    return {"tags": region.get_tags(_check_resource(region, body["resourceArn"]))}


HANDLERS: dict[str, Callable[[Region, Any], Json]] = {
    "PutAccountSetting": _put_account_setting,
    "PutAccountSettingDefault": _put_account_setting_default,
    "DeleteAccountSetting": _delete_account_setting,
    "ListAccountSettings": _list_account_settings,
    "TagResource": _tag_resource,
    "UntagResource": _untag_resource,
    "ListTagsForResource": _list_tags_for_resource,
}
