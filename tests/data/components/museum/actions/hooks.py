"""Has every hook."""


def init(config):
    if config.get("failInit"):
        raise RuntimeError("init said no")


def startup(config):
    return {"subscription": "s-1", "seen": config.get("name")}


def shutdown(config, state):
    if state.get("subscription") != "s-1":
        raise RuntimeError("no state")


def process(message, config, snapshot, context):
    return {"ok": True}
