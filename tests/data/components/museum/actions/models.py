"""Has models."""

from ecs_connector.values import Emission


def get_meta_model(config, context):
    return {"in": {"type": "object", "properties": {"name": {"title": config["name"], "type": "string"}}}, "out": {}}


def colours(config, context):
    return {"r": "Red", "g": "Green"}


def changing(config, context):
    yield Emission("updateKeys", {"token": "new"})
    return {"a": "A"}


def failing(config, context):
    raise ValueError("no colours today")


def process(message, config, snapshot, context):
    return {}
