"""Rows 30 to 34 of the interop table: object storage, message shape, service calls, headers."""

from __future__ import annotations

import json
import uuid

import pytest

from support.steps import NODE, OURS, StepProcess, decrypt, encrypt, environment_of

OBJECT_ID = "x-ipaas-object-storage-id"


def stored(platform, value) -> str:
    """Store an object as a step would; return its id."""
    object_id = str(uuid.uuid4())
    platform.objects[object_id] = encrypt(json.dumps(value).encode())
    return object_id


def reference(object_id: str) -> dict:
    return {"id": "m", "body": {}, "headers": {OBJECT_ID: object_id}, "attachments": {}, "metadata": {}}


def test_row_30_bodies_are_fetched(side, start, topology, platform):
    """The bodies of a message and of its passthrough are fetched before they are processed."""
    start(side)
    wire = reference(stored(platform, {"do": [["echo"]], "big": 1}))
    wire["passthrough"] = {"step_x": reference(stored(platform, {"x": 1})), "step_y": {"body": {"y": 1}, "headers": {}}}
    topology.send(wire=wire)
    seen = topology.take_one("data").wire()["body"]
    assert seen["body"]["big"] == 1
    assert seen["headers"][OBJECT_ID] == wire["headers"][OBJECT_ID]
    assert seen["passthrough"]["step_x"]["body"] == {"x": 1}
    assert seen["passthrough"]["step_y"]["body"] == {"y": 1}
    call = platform.asked("GET", "/objects/")[0]
    assert call.headers["Authorization"] == "Bearer storage-token"


def test_row_30_references_stay(side, start, topology, platform):
    """A step that asks for references is given them."""
    start(side, "unresolved")
    topology.send(wire=reference(stored(platform, {"big": 1})))
    assert topology.take_one("data").wire()["body"]["body"] == {}
    assert not platform.asked("GET", "/objects/")


def test_row_30_missing_object(side, start, topology, platform):
    """A body that cannot be had is an error of the message."""
    start(side)
    topology.send(wire=reference("missing"))
    assert topology.take_one("error").error()["message"] == "Failed to get message body with id=missing"
    topology.take_one("dead")


@pytest.mark.parametrize("size", [10, 3000], ids=["below", "above"])
def test_row_30_big_bodies_are_stored(size, side, start, topology, platform):
    """Above the threshold all bodies leave the message; what is stored already is not stored again."""
    start(
        side,
        info={"is_passthrough": True},
        EMIT_LIGHTWEIGHT_MESSAGE="true",
        OBJECT_STORAGE_SIZE_THRESHOLD="2000",
    )
    kept = stored(platform, {"x": 1})
    passthrough = {"step_x": reference(kept), "step_y": {"id": "y", "body": {"y": 1}, "headers": {}}}
    text = "x" * size
    topology.send(wire={"body": {"do": [["data", {"text": text}]]}, "headers": {}, "passthrough": passthrough})
    out = topology.take_one("data").wire()
    if size < 2000:
        assert out["body"] == {"text": text}
        assert not platform.asked("POST", "/objects")
        return
    assert out["body"] == {}
    assert decrypt(platform.objects[out["headers"][OBJECT_ID]]) == {"text": text}
    entries = out["passthrough"]
    assert entries["step_x"]["headers"][OBJECT_ID] == kept
    assert entries["step_x"]["body"] == entries["step_y"]["body"] == {}
    assert decrypt(platform.objects[entries["step_y"]["headers"][OBJECT_ID]]) == {"y": 1}
    assert entries[topology.name]["headers"][OBJECT_ID] == out["headers"][OBJECT_ID]
    calls = platform.asked("POST", "/objects")
    assert len(calls) == 2
    assert calls[0].headers["x-request-id"] == f"f:flow-1;s:{topology.name};m:"


def test_row_30_failed_upload(side, start, topology, platform):
    """A body that cannot be stored is an error of the message."""
    platform.answers["POST", "/objects"] = [(500, {"error": "full"})]
    start(side, EMIT_LIGHTWEIGHT_MESSAGE="true", OBJECT_STORAGE_SIZE_THRESHOLD="10")
    topology.send({"do": [["data", {"text": "x" * 100}]]})
    assert topology.take_one("error").error()["message"] == "Lightweight message/passthrough body upload error"
    topology.take_one("dead")
    assert len(platform.asked("POST", "/objects")) == 3


def test_row_30_references_are_inlined(side, start, topology, platform):
    """A step that may not store hands on the earlier bodies themselves."""
    start(side, "unresolved", info={"is_passthrough": True})
    passthrough = {"step_x": reference(stored(platform, {"x": 1}))}
    topology.send(wire={"body": {"do": [["data", {}]]}, "headers": {}, "passthrough": passthrough})
    assert topology.take_one("data").wire()["passthrough"]["step_x"]["body"] == {"x": 1}


@pytest.mark.parametrize("sides", [(OURS, NODE), (NODE, OURS)], ids="-".join)
def test_row_31_stored_objects_are_exchanged(sides, start, topologies, node_runtime):
    """What one runtime has stored the other reads."""
    steps = topologies(2)
    start.chain(*sides, topologies=steps, EMIT_LIGHTWEIGHT_MESSAGE="true", OBJECT_STORAGE_SIZE_THRESHOLD="1000")
    body = {"do": [["data", {"do": [["data", {"short": "ü"}]], "long": "ü" * 2000}]]}
    steps[0].send(body)
    assert steps[1].take_one("data").wire()["body"] == {"short": "ü"}


@pytest.mark.parametrize("side", [OURS], indirect=True)
def test_row_32_shape_for_java(standard):
    """Our output has a UUID, an object body and an integer version, as the Java runtime demands."""
    standard.send({"do": [["data", ["a", "list"]], ["data", {"n": 1}]]})
    for taken, body in zip(standard.take("data", 2), [{"value": ["a", "list"]}, {"n": 1}], strict=True):
        out = taken.wire()
        assert str(uuid.UUID(out["id"])) == out["id"] == taken.headers["messageId"]
        assert out["body"] == body
        assert {"attachments", "headers", "metadata"} <= set(out)
        assert taken.headers["protocolVersion"] == 1
        assert isinstance(taken.headers["protocolVersion"], int)


@pytest.fixture
def call(side, platform, topology):
    """Makes a service call; returns the exit code, the posted results and the log."""

    def make(method: str, *, url: str = "/result", component: str = "museum", **variables):
        environment = environment_of(topology, platform, "script")
        wanted = {
            "POST_RESULT_URL": platform.url + url if url else "",
            "CFG": '{"name": "n", "_account": "a-1"}',
            "ACTION_OR_TRIGGER": "models",
            "GET_MODEL_METHOD": "colours",
            **variables,
        }
        environment.update({f"ELASTICIO_{name}": value for name, value in wanted.items()})
        process = StepProcess(side, environment, arguments=(method,), component=component)
        try:
            code = process.wait_exit()
            return code, [request.json() for request in platform.asked("POST", "/result")], process.log()
        finally:
            process.close()

    return make


def error(message: str) -> dict:
    return {"status": "error", "data": {"message": message}}


@pytest.mark.parametrize(
    ("method", "variables", "data"),
    [
        ("selectModel", {}, {"r": "Red", "g": "Green"}),
        (
            "getMetaModel",
            {},
            {"in": {"type": "object", "properties": {"name": {"title": "n", "type": "string"}}}, "out": {}},
        ),
    ],
)
def test_row_33_models(method, variables, data, call):
    """A model is posted as a success."""
    code, results, _ = call(method, **variables)
    assert (code, results) == (0, [{"status": "success", "data": data}])


def test_row_33_the_url_may_hold_credentials(call, platform):
    """`user:pass@` in the result URL becomes Basic authorization."""
    address = platform.url.replace("http://", "http://us%40er:pa%20ss@")
    code, results, _ = call("selectModel", POST_RESULT_URL=address + "/result")
    assert code == 0
    assert len(results) == 1
    (posted,) = platform.asked("POST", "/result")
    assert posted.headers["Authorization"] == "Basic dXNAZXI6cGEgc3M="


@pytest.mark.parametrize(
    ("method", "variables", "message"),
    [
        ("selectModel", {"GET_MODEL_METHOD": "failing"}, "no colours today"),
        (
            "selectModel",
            {"GET_MODEL_METHOD": "missing"},
            'Method "missing" is not found in "models" action or trigger',
        ),
        ("selectModel", {"CFG": "not JSON"}, "Unable to parse CFG"),
        ("selectModel", {"CFG": ""}, "ELASTICIO_CFG is not provided"),
        ("selectModel", {"ACTION_OR_TRIGGER": ""}, "ELASTICIO_ACTION_OR_TRIGGER is not provided"),
        ("selectModel", {"GET_MODEL_METHOD": ""}, "ELASTICIO_GET_MODEL_METHOD is not provided"),
        (
            "getMetaModel",
            {"ACTION_OR_TRIGGER": "hooks"},
            'Method "getMetaModel" is not found in "hooks" action or trigger',
        ),
        ("somethingElse", {}, 'Unknown service method "somethingElse"'),
    ],
)
def test_row_33_failed_calls(method, variables, message, call):
    """An error is an answer: it is posted, and the exit code is 0."""
    code, results, _ = call(method, **variables)
    assert (code, results) == (0, [error(message)])


@pytest.mark.parametrize("status", [201, 404])
def test_row_33_only_200_is_accepted(status, call, platform):
    """Any other answer to the result ends the process with 1, and nothing is sent again."""
    platform.answers["POST", "/result"] = [(status, {})]
    code, results, _ = call("selectModel")
    assert code == 1
    assert len(results) == 1


def test_row_33_server_error(call, platform):
    """A server error is tried again as often as it is told; then an error is posted, and the exit code is 1."""
    platform.answers["POST", "/result"] = [(500, {})]
    code, results, _ = call("selectModel", API_REQUEST_RETRY_ATTEMPTS="2", API_REQUEST_RETRY_DELAY="10")
    assert code == 1
    assert [result["status"] for result in results] == ["success"] * 2 + ["error"] * 2


def test_row_33_no_url(call, platform):
    """Without a result URL there is no call at all."""
    code, results, log = call("selectModel", url="")
    assert (code, results) == (1, [])
    assert "POST_RESULT_URL is not provided" in log
    assert not platform.calls


def test_row_29_update_keys_in_a_model(call, platform):
    """A model function may change credentials, too."""
    code, results, _ = call("selectModel", GET_MODEL_METHOD="changing")
    assert (code, results) == (0, [{"status": "success", "data": {"a": "A"}}])
    (stored_keys,) = platform.asked("PUT")
    assert (stored_keys.path, stored_keys.json()) == ("/v1/accounts/a-1", {"keys": {"token": "new"}})


CHECKS = {
    "an object": ("return {'verified': False, 'reason': 'expired'}", {"verified": False, "reason": "expired"}),
    "another object": ("return {'ok': 1}", {"verified": True}),
    "nothing useful": ("return 'text'", {"verified": True}),
    "an exception": ("raise ValueError('not today')", {"verified": False, "reason": "not today"}),
    # Ours: the official runtime takes it for verified.
    "False": ("return False", {"verified": False}),
}


@pytest.mark.parametrize("case", CHECKS)
def test_row_33_verify_credentials(case, side, call, tmp_path):
    """The check's result is posted in the shape that the platform knows."""
    code, expected = CHECKS[case]
    if side == NODE and case == "False":
        expected = {"verified": True}
    script = code.replace("False", "false").replace("raise ValueError", "throw new Error") if side == NODE else code
    (tmp_path / "component.json").write_text('{"title": "t", "actions": {"a": {"main": "./a"}}}')
    (tmp_path / "verify_credentials.py").write_text(f"def verify(config, context):\n    {script}\n")
    (tmp_path / "verifyCredentials.js").write_text(f"module.exports = async function () {{ {script} }};\n")
    exit_code, results, _ = call("verifyCredentials", component=str(tmp_path))
    assert (exit_code, results) == (0, [{"status": "success", "data": expected}])


def test_row_33_no_check(call):
    """A component without a check has verified credentials."""
    code, results, _ = call("verifyCredentials")
    assert (code, results) == (0, [{"status": "success", "data": {"verified": True}}])


def test_row_33_a_check_that_cannot_be_loaded(side, call, tmp_path):
    """A broken check verifies nothing; the official runtime says that all is well."""
    (tmp_path / "component.json").write_text('{"title": "t", "actions": {"a": {"main": "./a"}}}')
    (tmp_path / "verify_credentials.py").write_text("import a_module_that_is_missing\n")
    (tmp_path / "verifyCredentials.js").write_text("require('a-module-that-is-missing');\n")
    code, results, _ = call("verifyCredentials", component=str(tmp_path))
    assert code == 0
    assert results[0]["data"]["verified"] is (side == NODE)


def test_row_34_additional_headers_and_persistence(side, start, topology):
    """Named variables travel as headers in camel case; messages are persistent when the platform says so."""
    start(
        side,
        ADDITIONAL_VARS_FOR_HEADERS="ELASTICIO_CONTRACT_ID,CUSTOM_VALUE,CUSTOM_MISSING",
        CONTRACT_ID="contract-1",
        CUSTOM_VALUE="v",
        AMQP_PERSISTENT_MESSAGES="true",
    )
    topology.send({"do": [["data", {}], ["emit", "error", "e"], ["emit", "updateSnapshot", {}]]})
    for kind in ("data", "error", "snapshot"):
        taken = topology.take_one(kind)
        assert {"contractId": "contract-1", "customValue": "v"}.items() <= taken.headers.items()
        assert "customMissing" not in taken.headers
        assert taken.properties.delivery_mode == 2
        assert (taken.properties.content_type, taken.properties.content_encoding) == ("application/json", "utf8")


def test_row_34_transient_by_default(standard):
    """Without it every message says that it is transient."""
    standard.send({"do": [["data", {}]]})
    assert standard.take_one("data").properties.delivery_mode == 1
