"""Makes one HTTP call on a kept connection and emits the answer."""

import http.client
import json
import threading

_local = threading.local()


def process(message, config, snapshot, context):
    connection = getattr(_local, "connection", None)
    if connection is None:
        connection = _local.connection = http.client.HTTPConnection("127.0.0.1", int(config["port"]), timeout=30)
    connection.request("POST", "/", body=json.dumps(message.body), headers={"Content-Type": "application/json"})
    answer = connection.getresponse()
    return json.loads(answer.read())
