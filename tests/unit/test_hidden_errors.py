"""A corpus of errors that may pass by themselves, and of others that never do."""

from __future__ import annotations

import pytest

from ecs_connector.hidden_errors import kind_of, kind_of_failure

SUBNET = "Error retrieving subnet information for [subnet-0a]: Rate exceeded (ErrorCode: Throttling)"
GROUP = (
    "Error retrieving security group information for [sg-0a]: Request limit exceeded. (ErrorCode: RequestLimitExceeded)"
)
EC2 = "AmazonEC2Exception: Request limit exceeded. (Service: AmazonEC2; Status Code: 503)"
FAMILY = "Too many concurrent attempts to create a new revision of the specified family."

ERRORS = [
    ("ThrottlingException", "Rate exceeded", 400, "throttle"),
    ("Throttling", "Rate exceeded", 400, "throttle"),
    ("ThrottledException", "", 400, "throttle"),
    ("RequestThrottledException", "", 400, "throttle"),
    ("TooManyRequestsException", "", 400, "throttle"),
    ("RequestLimitExceeded", "Request limit exceeded.", 503, "throttle"),
    ("SlowDown", "", 503, "throttle"),
    ("EC2ThrottledException", "", 400, "throttle"),
    ("com.amazonaws.ecs#ThrottlingException", "Rate exceeded", 400, "throttle"),
    ("ThrottlingException:http://internal.amazon.com/coral/", "", 400, "throttle"),
    ("", "", 429, "throttle"),
    ("SomethingNew", "slow down", 429, "throttle"),
    ("InvalidParameterException", SUBNET, 400, "throttle"),
    ("InvalidParameterException", GROUP, 400, "throttle"),
    ("InvalidParameterException", EC2, 400, "throttle"),
    ("ClientException", FAMILY, 400, "throttle"),
    ("ClientException", FAMILY.lower(), 400, "throttle"),
    ("ClientException", "Request limit exceeded. Account 1 has been throttled on ec2:DescribeSubnets", 400, "throttle"),
    ("ServerException", "Rate exceeded", 500, "throttle"),
    ("ServerException", "Throttling: Rate exceeded", 500, "throttle"),
    ("ServiceUnavailable", "too many requests", 503, "throttle"),
    ("ClientException", "Tasks provisioning capacity limit exceeded.", 400, "capacity"),
    ("ClientException", "Capacity is unavailable at this time. Please try again later.", 400, "capacity"),
    ("ServerException", "Capacity is unavailable at this time.", 500, "capacity"),
    ("ClientException", "You've reached the limit on the number of tasks you can run concurrently", 400, "capacity"),
    (
        "ClientException",
        "You\u2019ve reached the limit on the number of vCPUs you can run concurrently",
        400,
        "capacity",
    ),
    ("InvalidParameterException", "Create Network Interface: InsufficientFreeAddressesInSubnet", 400, "capacity"),
    ("ServerException", "Service Unavailable. Please try again later.", 500, "server"),
    ("InternalFailure", "", 500, "server"),
    ("InternalServerError", "", 500, "server"),
    ("ServiceUnavailableException", "", 503, "server"),
    ("RequestTimeout", "", 400, "server"),
    ("", "<html>502 Bad Gateway</html>", 502, "server"),
    ("UnknownError", "", 504, "server"),
    ("RequestTimeTooSkewed", "", 403, "skew"),
    ("RequestExpired", "Request has expired.", 400, "skew"),
    ("RequestInTheFuture", "", 403, "skew"),
    ("InvalidSignatureException", "Signature expired: 20240101T000000Z is now earlier than 2024", 403, "skew"),
    ("SignatureDoesNotMatch", "Signature not yet current: 20240101T000000Z is still later than 2023", 403, "skew"),
    ("ExpiredTokenException", "The security token included in the request is expired", 400, "credentials"),
    ("ExpiredToken", "The provided token has expired.", 400, "credentials"),
    ("UnrecognizedClientException", "The security token included in the request is expired", 400, "credentials"),
    # What no repetition helps.
    ("LimitExceededException", "The limit for the resource was exceeded.", 400, None),
    ("LimitExceededException", "Rate exceeded", 400, None),
    ("AttributeLimitExceededException", "", 400, None),
    ("InvalidParameterException", "TaskDefinition not found.", 400, None),
    ("InvalidParameterException", "Invalid family name 'Throttling'", 400, None),
    ("InvalidParameterException", "No Container Instances were found in your cluster.", 400, None),
    ("ClientException", "Unable to describe task definition.", 400, None),
    ("ClientException", "The requested CPU configuration is above your limit.", 400, None),
    ("AccessDeniedException", "User: arn:aws:iam::1:user/x is not authorized to perform: ecs:RunTask", 400, None),
    ("ClusterNotFoundException", "Cluster not found. Rate exceeded", 400, None),
    ("UnrecognizedClientException", "The security token included in the request is invalid.", 400, None),
    (
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided.",
        403,
        None,
    ),
    ("ConflictException", "", 400, None),
    ("UpdateInProgressException", "", 400, None),
    ("ValidationException", "1 validation error detected: Value 'Rate exceeded' at 'x'", 400, None),
    ("", "", 404, None),
    ("", "", 200, None),
]

FAILURES = [
    ("RESOURCE:MEMORY", "capacity"),
    ("RESOURCE:CPU", "capacity"),
    ("RESOURCE:PORTS", "capacity"),
    ("RESOURCE:PORTS:80", "capacity"),
    ("RESOURCE:ENI", "capacity"),
    ("RESOURCE:GPU", "capacity"),
    ("TaskFailedToStart: RESOURCE:CPU", "capacity"),
    ("AGENT", "capacity"),
    ("TaskFailedToStart: EMPTY CAPACITY PROVIDER", "capacity"),
    ("Capacity is unavailable at this time. Please try again later or in a different availability zone", "capacity"),
    ("You've reached the limit on the number of vCPUs you can run concurrently", "capacity"),
    (" RESOURCE:MEMORY ", "capacity"),
    ("Rate exceeded", "throttle"),
    (SUBNET, "throttle"),
    ("MISSING", None),
    ("INACTIVE", None),
    ("ATTRIBUTE", None),
    ("LOCATION", None),
    ("MemberOf placement constraint unsatisfied.", None),
    ("TASK_NOT_VALID", None),
    ("The AGENT of the instance", None),
    ("", None),
]


@pytest.mark.parametrize(("code", "message", "status", "kind"), ERRORS)
def test_each_error_of_the_corpus_has_its_kind(code: str, message: str, status: int, kind: str | None) -> None:
    """An error that may pass is recognised wherever ECS hides it, and no other is taken for one."""
    assert kind_of(code, message, status) == kind


@pytest.mark.parametrize(("reason", "kind"), FAILURES)
def test_each_failure_of_the_corpus_has_its_kind(reason: str, kind: str | None) -> None:
    """A failure under status 200 is capacity, throttle or neither."""
    assert kind_of_failure(reason) == kind


def test_all_throttles_and_statuses_of_botocore_are_known() -> None:
    """What botocore repeats in standard mode is repeated here too, but for the quota of ECS."""
    standard = pytest.importorskip("botocore.retries.standard")
    codes = set(standard.ThrottledRetryableChecker._THROTTLED_ERROR_CODES) - {"LimitExceededException"}
    assert {code: kind_of(code, "", 400) for code in codes} == dict.fromkeys(codes, "throttle")
    statuses = standard.TransientRetryableChecker._TRANSIENT_STATUS_CODES
    assert {status: kind_of("", "", status) for status in statuses} == dict.fromkeys(statuses, "server")
