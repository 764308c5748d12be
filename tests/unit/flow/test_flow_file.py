"""Reading flow files: what is refused, with which words, and what YAML values mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecs_connector.errors import InputError
from ecs_connector.harness.flow import load_flow
from support.flows import ScriptedComponent, echo

HEAD = "name: test\ninputs: {cluster: {default: blue}, wanted: {type: number}}\nsteps:\n"
FIRST = "  - {id: first, function: ListClusters}\n"


def violations(text: str, component: ScriptedComponent | None = None) -> list[tuple[str, str]]:
    with pytest.raises(InputError) as caught:
        load_flow(text, component)
    return [(violation.pointer, violation.rule) for violation in caught.value.violations]


def test_all_problems_are_reported_at_once_in_the_order_of_the_file() -> None:
    """A file with many mistakes is refused once, with every mistake, its pointer and its line."""
    text = (
        "name: 3\n"  # 1
        "stepz: []\n"  # 2
        "steps:\n"  # 3
        "  - id: a-b\n"  # 4
        "    function: ListCluster\n"  # 5
        "    onError: retry\n"  # 6
        "    body: {x: {$: 'tasks.('}}\n"  # 7
        "  - id: second\n"  # 8
        "    always: 1\n"  # 9
    )
    component = ScriptedComponent({"ListClusters": echo})
    with pytest.raises(InputError) as caught:
        load_flow(text, component)
    assert [(violation.pointer, violation.rule) for violation in caught.value.violations] == [
        ("/name", "type"),
        ("/stepz", "unknown"),
        ("/steps/0/id", "pattern"),
        ("/steps/0/function", "function"),
        ("/steps/0/onError", "enum"),
        ("/steps/0/body/x/$", "jsonata"),
        ("/steps/1", "required"),
        ("/steps/1/always", "type"),
    ]
    told = caught.value.user_message
    assert "8 problems" in told
    assert "line 5, /steps/0/function: the component has no action 'ListCluster'. Did you mean ListClusters?" in told
    assert "line 2, /stepz: there is no key 'stepz'. Did you mean steps?" in told


@pytest.mark.parametrize(
    ("expression", "rule"),
    [
        ("$steps.second.body", "step"),
        ("$steps.frist.body", "step"),
        ("elasticio.frist.body", "step"),
        ("$getPassthrough().frist.body", "step"),
        ('$getPassthrough()."second".body', "step"),
        ("$inputs.clustr", "input"),
        ("$getFlowVariables().clustr", "input"),
        ("$item", "variable"),
        ("$countt(tasks)", "variable"),
        ("$error.code", "variable"),
        ("$failure.code", "variable"),
        ("steps.first.body", "variable"),
        ("tasks[name = inputs.cluster]", "variable"),
        ("", "jsonata"),
        ("/*", "jsonata"),
    ],
)
def test_names_that_do_not_exist_are_refused(expression: str, rule: str) -> None:
    """An expression that names a step, input, variable or function which is not there is refused at load time."""
    text = HEAD + FIRST + f"  - {{id: second, function: ListClusters, body: {{a: {{$: '{expression}'}}}}}}\n"
    assert violations(text) == [("/steps/1/body/a/$", rule)]


@pytest.mark.parametrize(
    "expression",
    [
        "$steps.first.body.clusterArns[0]",
        "elasticio.first.body",
        '$getPassthrough()."first".body.x',
        "$map(clusterArns, function($arn, $i) { $arn & $i })",
        "( $mine := 1; $mine + $inputs.wanted )",
        "services@$s#$i.{ 'name': $s.name, 'at': $i }",
        "$$.clusterArns",
        "$getFlowVariables().cluster & $runId & $now()",
        "$messages.body",
    ],
)
def test_names_that_exist_are_accepted(expression: str) -> None:
    """What JSONata, the platform and the flow itself define may be used in an expression."""
    text = HEAD + FIRST + "  - id: second\n    function: ListClusters\n    when: |\n      " + expression + "\n"
    assert [step.id for step in load_flow(text).steps] == ["first", "second"]


def test_item_exists_only_beside_each() -> None:
    """`$item` may be used in a step with `each`, and not in its `each` itself."""
    good = HEAD + "  - {id: a, function: F, each: [1, 2], body: {$: $item}, when: $index > 0}\n"
    assert load_flow(good).steps[0].each == [1, 2]
    assert violations(HEAD + "  - {id: a, function: F, each: $item}\n") == [("/steps/0/each", "variable")]


def test_text_that_looks_like_an_expression_is_pointed_out() -> None:
    """Text that begins like a reference and is not marked as an expression is refused, not sent to ECS."""
    for text in ("$steps.first.body.x", "$inputs.cluster", "elasticio.first.body.x", "$getPassthrough().first"):
        found = violations(HEAD + FIRST + f"  - {{id: b, function: F, body: {{cluster: {text}}}}}\n")
        assert found == [("/steps/1/body/cluster", "expression")]


def test_dollars_in_plain_text_stay() -> None:
    """Shell variables and other text with dollars and braces is never taken for an expression."""
    command = ["sh", "-c", "echo ${HOME} $PATH {{x}} =1 $(date)"]
    flow = load_flow(HEAD + f"  - id: a\n    function: F\n    body:\n      command: {command!r}\n")
    assert flow.steps[0].body == {"command": command}


@pytest.mark.parametrize(
    ("expect", "found"),
    [
        ("{eror: ServiceError}", ("/steps/0/expect/eror", "unknown")),
        ("{error: ServiceEror}", ("/steps/0/expect/error", "enum")),
        ("{error: ServiceError, emissions: 1}", ("/steps/0/expect", "exclusive")),
        ("{optional: true}", ("/steps/0/expect", "dependent")),
        ("{emissions: -1}", ("/steps/0/expect/emissions", "type")),
        ("{assert: true}", ("/steps/0/expect/assert", "type")),
        ("{exitCode: '69'}", ("/steps/0/expect/exitCode", "type")),
        ("[ServiceError]", ("/steps/0/expect", "type")),
    ],
)
def test_expectations_that_make_no_sense_are_refused(expect: str, found: tuple[str, str]) -> None:
    """An expectation that could never be judged is refused at load time."""
    assert violations(HEAD + f"  - {{id: a, function: F, expect: {expect}}}\n") == [found]


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ("{a-b: {}}", ("/inputs/a-b", "pattern")),
        ("{runId: {}}", ("/inputs/runId", "reserved")),
        ("{a: text}", ("/inputs/a", "type")),
        ("{a: {type: integer}}", ("/inputs/a/type", "enum")),
        ("{a: {type: number, default: x}}", ("/inputs/a/default", "type")),
        ("{a: {default: 1, required: true}}", ("/inputs/a", "exclusive")),
        ("[a]", ("/inputs", "type")),
    ],
)
def test_input_declarations_are_checked(inputs: str, found: tuple[str, str]) -> None:
    """An input whose declaration contradicts itself is refused at load time."""
    assert violations(f"name: x\ninputs: {inputs}\nsteps:\n" + FIRST) == [found]


def test_scalars_follow_yaml_1_2() -> None:
    """Account ids, port mappings, dates and the words on, off, yes and no stay text."""
    body = "{account: 012345678901, port: 22:22, day: 2026-01-02, a: on, b: no, c: true, d: 1e3, e: -4, f: 1.5, g: ~}"
    flow = load_flow(HEAD + f"  - {{id: a, function: F, body: {body}}}\n")
    assert flow.steps[0].body == {
        "account": "012345678901",
        "port": "22:22",
        "day": "2026-01-02",
        "a": "on",
        "b": "no",
        "c": True,
        "d": 1000.0,
        "e": -4,
        "f": 1.5,
        "g": None,
    }


def test_anchors_and_merges_work() -> None:
    """A block that several steps share can be written once."""
    text = (
        "name: x\nsteps:\n"
        "  - &base {id: a, function: F, config: &where {region: eu-central-1}}\n"
        "  - {<<: *base, id: b, config: {<<: *where, maxAttempts: 1}}\n"
    )
    flow = load_flow(text)
    assert [step.id for step in flow.steps] == ["a", "b"]
    assert flow.steps[1].config == {"region": "eu-central-1", "maxAttempts": 1}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("name: [\nsteps: 1", "yaml"),
        ("name: x\nname: y\nsteps:\n" + FIRST, "duplicate"),
        ("name: x\nsteps: &a\n  - *a\n", "yaml"),
        ("name: x\n1: y\nsteps:\n" + FIRST, "key"),
        ("name: !!python/object:os.system x\nsteps:\n" + FIRST, "yaml"),
        ("name: x\nsteps: !!set {a}\n", "yaml"),
        ("name: \x01\nsteps: []\n", "yaml"),
        ("- just\n- a list\n", "type"),
        ("\n", "type"),
        ("name: x\nsteps: []\n", "type"),
        ("{" * 1500 + "\n", "yaml"),
    ],
)
def test_what_is_no_plain_yaml_is_refused(text: str, rule: str) -> None:
    """A file that is not YAML, is ambiguous or is no plain data is refused with a reason and no traceback."""
    assert rule in {found_rule for _, found_rule in violations(text)}


def test_aliases_cannot_explode() -> None:
    """A small file whose aliases stand for millions of values is refused quickly."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert ("", "yaml") in violations("\n".join(lines) + "\n")


def test_a_syntax_error_does_not_repeat_the_file() -> None:
    """The text of a YAML error holds no line of the file, which may hold a secret."""
    with pytest.raises(InputError) as caught:
        load_flow("name: x\nconfig: {secretAccessKey: hush-hush\nsteps: [\n")
    assert "hush" not in str(caught.value)
    assert "line " in str(caught.value)


def test_files_are_read_by_path(tmp_path: Path) -> None:
    """A flow is read from a path, with or without a byte order mark; what cannot be read is named."""
    path = tmp_path / "flow.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + (HEAD + FIRST).encode())
    assert load_flow(path).name == load_flow(str(path)).name == "test"
    path.write_bytes(b"name: \xff\n")
    with pytest.raises(InputError, match=r"flow\.yaml is not UTF-8 text"):
        load_flow(path)
    with pytest.raises(InputError, match=r"missing\.yaml cannot be read: No such file"):
        load_flow(tmp_path / "missing.yaml")


def test_json_is_a_flow_too() -> None:
    """A flow may be written in JSON, since JSON is YAML."""
    flow = load_flow('{"name": "x", "steps": [{"id": "a", "function": "F", "body": {"$": "$inputs"}}]}')
    assert flow.steps[0].function == "F"


def test_secrets_do_not_show_in_the_repr() -> None:
    """Configuration in a flow is not part of the text form of a flow or a step."""
    flow = load_flow("name: x\nconfig: {secretAccessKey: hush}\nsteps:\n  - {id: a, function: F, config: {k: hush}}\n")
    assert "hush" not in repr(flow)
