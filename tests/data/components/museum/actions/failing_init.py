"""Its init fails."""


def init(config):
    raise RuntimeError("init said no")


def process(message, config, snapshot, context):
    return {}
