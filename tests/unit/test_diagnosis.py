"""A corpus of what ECS says, and what each means."""

# ruff: noqa: E501 - the corpus quotes what ECS says, one text a line.

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import ecs_connector.diagnosis
from ecs_connector.diagnosis import diagnose

DATA = json.loads(
    Path(ecs_connector.diagnosis.__file__).with_name("data").joinpath("diagnoses.json").read_text(encoding="utf-8")
)

REF = '"123456789012.dkr.ecr.us-east-1.amazonaws.com/api:v42"'
RETRIED = f"CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref {REF}"
SECRETS = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
LOGGER = "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
PLACE = "(service web) was unable to place a task because no container instance met all of its requirements. "
CLOSEST = PLACE + "The closest matching (container-instance 0f3c) "
EC2 = "Unexpected EC2 error while attempting to Create Network Interface in subnet 'subnet-0a': "

TEXTS = {
    f"{RETRIED}: failed to do request: Head: dial tcp 10.0.3.17:443: i/o timeout": "image-network",
    f"{RETRIED}: {REF}: not found": "image-not-found",
    "CannotPullContainerError: Error response from daemon: manifest for nginx:nope not found: manifest unknown": "image-not-found",
    "CannotPullContainerError: API error (500): Get https://1.dkr.ecr.us-east-1.amazonaws.com/v2/: net/http: request canceled while waiting for connection": "image-network",
    "CannotPullContainerError: inspect image has been retried 5 time(s): httpReaderSeeker: failed open: unexpected status code Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit.": "image-rate-limit",
    "CannotPullContainerError: Error response from daemon: pull access denied for x, repository does not exist or may require 'docker login'": "image-access-denied",
    f"{RETRIED}: pulling from host failed with status code [manifests v42]: 403 Forbidden": "image-execution-role",
    "CannotPullECRContainerError: AccessDeniedException: User: arn:aws:sts::1:assumed-role/x is not authorized to perform: ecr:GetAuthorizationToken": "image-execution-role",
    "CannotPullContainerError: write /var/lib/docker/tmp/GetImageBlob111111111: no space left on device": "image-no-space",
    "CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/arm64'": "image-platform",
    "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReaderSeeker: failed open: unexpected status code 500": "image-copy-failed",
    "CannotPullContainerError: something nobody has seen": "image-pull",
    SECRETS
    + "unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret arn:aws:secretsmanager:x: AccessDeniedException: not authorized": "secret-access-denied",
    SECRETS
    + "unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret x from secrets manager: ResourceNotFoundException: Secrets Manager can't find the specified secret.": "secret-not-found",
    SECRETS
    + "unable to retrieve secrets from ssm: service call has been retried 1 time(s): invalid ssm parameters: /x": "secret-not-found",
    SECRETS
    + 'unable to retrieve ecr registry auth: RequestError: send request failed caused by: Post "https://api.ecr": dial tcp 1.2.3.4:443: i/o timeout': "secret-or-registry-network",
    "ResourceInitializationError: unable to pull secrets or registry auth: pull command failed: : signal: killed": "secret-or-registry-network",
    LOGGER
    + "failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist.": "log-group-missing",
    LOGGER
    + "failed to create Cloudwatch log group: AccessDeniedException: not authorized to perform: logs:CreateLogGroup": "log-driver-access",
    "ResourceInitializationError: failed to validate logger args: The task cannot find the Amazon CloudWatch log group defined in the task definition. There is a connection issue between the task and Amazon CloudWatch. Check your network configuration. : signal: killed": "log-network",
    "ResourceInitializationError: failed to initialize logging driver: x": "log-driver",
    'ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: Failed to resolve "fs-1.efs"': "efs-mount",
    "ResourceInitializationError: failed to invoke FSx for Windows mount: fsxWindowsFileServerVolumeConfiguration": "fsx-mount",
    SECRETS + "something new": "secret-or-registry",
    "ResourceNotFoundException: The task can't find the parameter": "task-resource-not-found",
    "ResourceInitializationError: failed to configure ENI: failed to setup regular eni: netplugin failed with no error message": "eni-setup",
    "ResourceInitializationError: failed to download env files: file download command: non empty error stream": "env-file",
    "ECS was unable to assume the role 'arn:aws:iam::1:role/x' that was provided for this task.": "execution-role-assume",
    "ResourceInitializationError: brand new": "resource-init",
    EC2 + "InsufficientFreeAddressesInSubnet": "subnet-addresses",
    EC2 + "RequestLimitExceeded": "eni-throttled",
    EC2 + "AuthFailure": "eni-ec2-error",
    "Unexpected EC2 error while attempting to tag the network interface: TagPolicyViolation": "eni-tag-policy",
    "Timeout waiting for network interface provisioning to complete.": "eni-timeout",
    "Timeout waiting for EphemeralStorage provisioning to complete.": "eni-timeout",
    "Unable to attach network interface to unused device index": "eni-device-index",
    "The selected task definition is not compatible with the selected compute strategy.": "compute-mismatch",
    "(service web) was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone.": "fargate-capacity",
    "Tasks provisioning capacity limit exceeded.": "provisioning-limit",
    "(service web) was unable to place tasks in your cluster because the tasks provisioning capacity limit was exceeded.": "provisioning-limit",
    "You've reached the limit on the number of vCPUs you can run concurrently": "concurrent-tasks-quota",
    "The requested MEMORY configuration is above your limit.": "size-quota",
    "RESOURCE:MEMORY": "resource-memory",
    CLOSEST + "has insufficient memory available.": "resource-memory",
    "TaskFailedToStart: RESOURCE:CPU": "resource-cpu",
    CLOSEST + "has insufficient CPU units available.": "resource-cpu",
    "RESOURCE:PORTS": "resource-ports",
    CLOSEST + "is already using a port required by your task.": "resource-ports",
    "RESOURCE:ENI": "resource-eni",
    "TaskFailedToStart: RESOURCE:GPU": "resource-gpu",
    "RESOURCE:FPGA": "resource-other",
    "AGENT": "agent-disconnected",
    CLOSEST + 'encountered error "AGENT".': "agent-disconnected",
    "ATTRIBUTE": "attribute-missing",
    CLOSEST + "is missing an attribute required by your task.": "attribute-missing",
    "LOCATION": "location-mismatch",
    "TaskFailedToStart: MemberOf placement constraint unsatisfied.": "placement-constraint",
    "TaskFailedToStart: EMPTY CAPACITY PROVIDER": "no-active-instances",
    "No Container Instances were found in your cluster.": "no-active-instances",
    "MISSING": "missing",
    "INACTIVE": "inactive",
    "TASK_NOT_VALID": "task-not-valid",
    "DEPLOYMENT_BLOCKED": "deployment-blocked",
    "OutOfMemoryError: Container killed due to memory usage": "out-of-memory",
    "DockerTimeoutError: Could not transition to started; timed out after waiting 3m0s": "runtime-timeout",
    "ContainerRuntimeTimeoutError: Could not transition to running; timed out after waiting 1m: x": "runtime-timeout",
    'CannotStartContainerError: Error response from daemon: OCI runtime create failed: exec: "x": executable file not found in $PATH': "command-not-found",
    "exec /usr/local/bin/x: exec format error": "command-not-found",
    "CannotCreateContainerError: API error (500): devmapper": "cannot-create-container",
    "CannotStartContainerError: failed to get container status: x": "cannot-start-container",
    "CannotCreateVolumeError: x": "cannot-create-volume",
    "CannotStopContainerError: failed sending SIGTERM to container: x": "cannot-stop-container",
    "CannotInspectContainerError: x": "cannot-inspect-container",
    "ContainerRuntimeError: x": "container-runtime",
    "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:x)": "elb-health-check",
    "(service web) (port 80) is unhealthy in (target-group arn:x) due to (reason Health checks failed)": "elb-health-check",
    "Task failed container health checks": "container-health-check",
    "Your Spot Task was interrupted.": "spot-interruption",
    "Host EC2 (instance i-0abc) terminated.": "host-terminated",
    "Host EC2 (instance i-0abc) stopped.": "host-terminated",
    "Container instance deregistration forced by user": "instance-deregistered",
    "ECS is performing maintenance on the underlying infrastructure hosting the task": "maintenance",
    "ECS deployment circuit breaker: tasks failed to start.": "circuit-breaker",
    "Scaling activity initiated by (deployment ecs-svc/1637086347952626779)": "scaling-activity",
    "(service web) operations are being throttled. Will try again later.": "service-throttled",
    "(service web) is unable to consistently start tasks successfully.": "service-start-failures",
    "(service web) was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.": "deployment-percent",
    "Reason: The number of protected tasks are more than the desired count of tasks": "protected-tasks",
    "is not healthy in target-group (arn:x) due to TARGET GROUP IS NOT FOUND": "target-group-missing",
    "IAM trust relationship has been misconfigured or changed, and ECS can no longer maintain your service": "service-iam",
    PLACE: "no-instance-fits",
    "(service web) was unable to place a task. Reason: Internal error.": "zone-unsupported",
    "Error retrieving subnet information for [subnet-0a]: Rate exceeded (ErrorCode: Throttling)": "hidden-throttle",
    "Too many concurrent attempts to create a new revision of the specified family.": "revision-contention",
    "InternalError: x": "internal-error",
    "(service web) was unable to stop task 0f3c: the container instance is in DRAINING state": "instance-draining",
    "ECS deployment ecs-svc/1 failed: alarm detected.": "deployment-alarm",
    "Task stopped by user": "user-stopped-text",
    "Essential container in task exited": "essential-exited",
}

UNKNOWN = [
    "",
    "   ",
    "nightly run is over",
    "The AGENT did it",
    "an item is MISSING here",
    "(service web) has reached a steady state.",
    "(service web) has started 1 tasks: (task 0f3c).",
    "a brand new reason of ECS",
]

CODES = [
    ("UserInitiated", None, "Rate exceeded, says the caller", "user-stopped"),
    ("UserInitiated", 137, None, "user-stopped"),
    ("SpotInterruption", 143, None, "spot-interruption-code"),
    ("TerminationNotice", None, None, "termination-notice"),
    ("InfrastructureHealth", None, None, "infrastructure-health"),
    ("ServiceSchedulerInitiated", 0, "new words", "service-scheduler"),
    ("TaskFailedToStart", None, "new words", "task-failed-to-start"),
    ("EssentialContainerExited", 1, "Essential container in task exited", "exit-1"),
    ("EssentialContainerExited", 137, "Essential container in task exited", "exit-137"),
    ("EssentialContainerExited", 139, "Essential container in task exited", "exit-139"),
    ("EssentialContainerExited", 42, "Essential container in task exited", "essential-exited"),
    ("ServiceSchedulerInitiated", 137, "Task failed container health checks", "container-health-check"),
    (None, 125, None, "exit-125"),
    (None, 126, None, "exit-126"),
    (None, 127, None, "exit-127"),
    (None, 134, None, "exit-134"),
    (None, 143, None, "exit-143"),
    (None, 255, None, "exit-255"),
    (None, 42, None, None),
    ("SomethingNew", None, None, None),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS.items())
def test_each_text_of_the_corpus_is_explained(text: str, expected: str) -> None:
    """A text that ECS is known to write gets the cause and remedy meant for it."""
    found = diagnose(text)
    assert found is not None
    assert found.id == expected


@pytest.mark.parametrize("text", UNKNOWN)
def test_an_unknown_text_is_not_explained(text: str) -> None:
    """What nobody knows is not guessed at."""
    assert diagnose(text) is None


@pytest.mark.parametrize(("stop_code", "exit_code", "text", "expected"), CODES)
def test_codes_are_explained_when_no_text_says_more(
    stop_code: str | None, exit_code: int | None, text: str | None, expected: str | None
) -> None:
    """A special text comes before the stop code, that before the exit code, that before a general text."""
    found = diagnose(text, stop_code=stop_code, exit_code=exit_code)
    assert (found.id if found else None) == expected


def test_the_special_text_wins_wherever_it_stands() -> None:
    """A container's reason explains more than the general words of the task, in either order."""
    special, general = "OutOfMemoryError: Container killed due to memory usage", "Essential container in task exited"
    assert diagnose(general, None, special) == diagnose(special, general)
    found = diagnose(general, special, exit_code=137)
    assert found is not None
    assert found.id == "out-of-memory"


def test_every_row_is_reached() -> None:
    """No row is hidden behind an earlier one: each is the answer to some entry of the corpus."""
    reached = {*TEXTS.values(), *(expected for *_, expected in CODES if expected)}
    assert reached == {row["id"] for row in DATA["rows"]}


def test_every_row_is_complete() -> None:
    """Each row has a cause, a remedy, a documented source, and something to be recognised by."""
    ids = [row["id"] for row in DATA["rows"]]
    assert len(ids) == len(set(ids))
    assert len(ids) >= 35
    for row in DATA["rows"]:
        assert row["cause"].endswith(".")
        assert row["remedy"].endswith(".")
        assert row["transient"] in (True, False, None)
        assert re.fullmatch(r"https://(docs\.aws\.amazon\.com|repost\.aws)/\S+", DATA["sources"][row["source"]])
        assert row.keys() & {"pattern", "exitCodes", "stopCodes"}


def test_every_source_is_used() -> None:
    """The list of sources holds no page that no row refers to."""
    assert {row["source"] for row in DATA["rows"]} == set(DATA["sources"])


def test_the_report_says_all() -> None:
    """The report of a diagnosis is JSON with cause, remedy, whether it passes, and where it is documented."""
    found = diagnose("RESOURCE:MEMORY")
    assert found is not None
    report = found.report()
    assert json.loads(json.dumps(report)) == report
    assert report["transient"] is True
    assert report["source"].endswith("api_failures_messages.html")
