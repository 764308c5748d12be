"""One call: repeated when that is safe and may help, and explained when it is not."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from email.utils import format_datetime

import pytest

from ecs_connector.errors import CredentialsError, ResponseError, ServiceError, TransportError
from ecs_connector.values import Credentials, HttpRequest, HttpResponse
from support.scripted import CONFIG, Bench, answer, failure, refusal

START_TASK = {"taskDefinition": "t:1", "containerInstances": ["i"]}


def signed_at(request: HttpRequest) -> str:
    return request.headers["x-amz-date"]


def test_success_has_evidence() -> None:
    """A call that succeeds at once says so: request id, one attempt, nothing repeated."""
    evidence = Bench(answer({"clusterArns": []})).call().evidence
    assert (evidence.request_id, evidence.attempts, evidence.retried) == ("req-1", 1, ())


REPEATED = [
    (refusal("ThrottlingException", "Rate exceeded"), "ThrottlingException"),
    (answer(b"slow down", 429), "429"),
    (answer({"message": "Too many requests"}, 429), "429"),
    (refusal("InvalidParameterException", "... Error Code: RequestLimitExceeded)"), "InvalidParameterException"),
    (refusal("ServerException", status=500), "ServerException"),
    (answer(b"<html>Bad Gateway</html>", 502), "502"),
    (answer(b"", 503), "503"),
    (answer(b'{"__type": "Thrott', 400), "400"),
    (failure("connect", sent=False), "transport"),
    (failure("connect_timeout", sent=False), "transport"),
    (failure("dns", sent=False), "transport"),
    (failure("cut", sent=True), "transport"),
    (failure("read_timeout", sent=True), "transport"),
]


@pytest.mark.parametrize(("outcome", "why"), REPEATED)
def test_passing_failures_are_repeated(outcome: HttpResponse | Exception, why: str) -> None:
    """A failure that may pass is repeated on a read-only operation, and the evidence says why."""
    evidence = Bench(outcome, answer()).call().evidence
    assert evidence.attempts == 2
    assert evidence.retried == (why,)


@pytest.mark.parametrize(
    "outcome",
    [
        refusal("InvalidParameterException", "Invalid identifier"),
        refusal("LimitExceededException", "Rate exceeded"),
        refusal("ClusterNotFoundException"),
        refusal("AccessDeniedException"),
        answer(b"", 404),
        answer(b"", 307, location="https://elsewhere.example"),
        failure("tls", sent=False),
        failure("malformed", sent=True),
    ],
)
def test_lasting_failures_are_not_repeated(outcome: HttpResponse | Exception) -> None:
    """What repeating cannot mend is tried once and is not called retryable."""
    bench = Bench(outcome)
    with pytest.raises((ServiceError, TransportError)) as caught:
        bench.call()
    assert (len(bench.transport.sent), caught.value.attempts, caught.value.retryable) == (1, 1, False)


def test_an_error_that_is_cut_off_says_so() -> None:
    """An error that came incomplete is called that, and may pass; an error that says nothing is called lasting."""
    bench = Bench(*[answer(b'{"__type": "ClusterNotFoundExc', 400)] * 3)
    with pytest.raises(ServiceError, match="RunTask: 400: the error is cut off") as caught:
        bench.call("RunTask", {"taskDefinition": "job", "clientToken": "t"})
    assert (caught.value.attempts, caught.value.retryable, caught.value.kind) == (3, True, "transport")
    with pytest.raises(ServiceError, match="no error text") as caught:
        Bench(answer(b"{}", 400)).call()
    assert not caught.value.retryable


def test_redirect_is_not_followed() -> None:
    """A redirect ends the call: the signed request is sent nowhere else, and the text names the endpoint field."""
    bench = Bench(answer(b"", 301, location="http://169.254.169.254/"))
    with pytest.raises(TransportError, match="redirect.*endpoint field") as caught:
        bench.call()
    assert caught.value.sent
    assert len(bench.transport.sent) == 1


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (failure("cut", sent=True), TransportError),
        (failure("cut", sent=True, fresh=False), TransportError),
        (failure("read_timeout", sent=True), TransportError),
        (refusal("ServerException", status=500), ServiceError),
        (answer(b"<html/>", 502), ServiceError),
        (refusal("ServerException", "Rate exceeded", status=500), ServiceError),
    ],
)
def test_unsafe_operation_is_not_done_twice(outcome: HttpResponse | Exception, kind: type[Exception]) -> None:
    """StartTask, which has no token, is not repeated when it may have been carried out, and the text says so."""
    bench = Bench(outcome)
    with pytest.raises(kind, match="StartTask may have been carried out") as caught:
        bench.call("StartTask", START_TASK)
    assert len(bench.transport.sent) == 1
    assert caught.value.retryable is False  # type: ignore[attr-defined]
    assert getattr(caught.value, "sent", True) is True


@pytest.mark.parametrize(
    "outcome",
    [
        refusal("ThrottlingException"),
        failure("connect", sent=False),
        refusal("ClientException", "Rate exceeded"),
        answer(b"", 429),
    ],
)
def test_unsafe_operation_is_repeated_when_nothing_was_done(outcome: HttpResponse | Exception) -> None:
    """StartTask is repeated after a refusal or a connection that was never made: nothing has been started."""
    assert Bench(outcome, answer()).call("StartTask", START_TASK).evidence.attempts == 2


def test_run_task_with_token_is_safe() -> None:
    """RunTask carries a token, so a cut connection is repeated."""
    bench = Bench(failure("cut", sent=True), answer())
    assert bench.call("RunTask", {"taskDefinition": "t", "clientToken": "x"}).evidence.attempts == 2


def test_attempts_are_limited_and_counted() -> None:
    """The error of the last attempt says how many there were, and that later may help."""
    bench = Bench(refusal("ThrottlingException"))
    with pytest.raises(ServiceError) as caught:
        bench.call(maxAttempts=4)
    error = caught.value
    assert (error.attempts, len(bench.transport.sent), error.retryable, error.kind) == (4, 4, True, "throttle")


def test_each_attempt_is_signed_anew() -> None:
    """A repetition is signed at its own time."""
    bench = Bench(refusal("ThrottlingException"), refusal("ThrottlingException"), answer(), latency_s=2)
    bench.call()
    assert len({signed_at(request) for request in bench.transport.sent}) == 3


def test_total_time_ends_repetitions() -> None:
    """No pause begins that would not end within the total time, and the time for an answer shrinks with it."""
    bench = Bench(refusal("ClientException", "Capacity is unavailable at this time."), latency_s=10)
    with pytest.raises(ServiceError) as caught:
        bench.call(maxAttempts=100, totalTimeoutSeconds=60)
    assert caught.value.retryable
    assert bench.clock.elapsed_s <= 60 + 10
    assert bench.transport.timeouts[0][1] == 60
    assert bench.transport.timeouts[1][1] < 60


def test_retry_after_is_honoured() -> None:
    """`Retry-After` in seconds or as a date, and AWS's own hint in milliseconds, set the pause at least."""
    for headers, expected in (
        ({"retry_after": "30"}, 30),
        ({"retry_after": "Thu, 15 Jan 2026 12:00:45 GMT"}, 45),
        ({"x_amz_retry_after": "2500"}, 2.5),
        ({"x_amz_retry_after": "60000"}, 5.5),
        ({"retry_after": "soon"}, 0.5),
    ):
        bench = Bench(refusal("ThrottlingException", **headers), answer())
        bench.call()
        assert bench.clock.sleeps[0] == pytest.approx(expected), headers


def test_capacity_has_its_own_pace() -> None:
    """A lack of capacity is waited for in its own, longer steps."""
    bench = Bench(
        refusal("ClientException", "Capacity is unavailable at this time."), refusal("ThrottlingException"), answer()
    )
    bench.call("RunTask", {"taskDefinition": "t", "clientToken": "x"})
    assert bench.clock.sleeps[0] >= 7.5
    assert bench.clock.sleeps[1] <= 2


def test_quota_ends_repetitions_of_all_calls() -> None:
    """When every call fails, repetitions stop once the client's quota is used up: 500 tokens, 14 a repetition."""
    bench = Bench(refusal("ServerException", status=500))
    for _ in range(40):
        with pytest.raises(ServiceError):
            bench.call(maxAttempts=2)
    assert len(bench.transport.sent) == 40 + 500 // 14
    assert bench.client.quota.left == 500 % 14


def test_stale_connection_is_repeated_at_once() -> None:
    """A connection that had been closed for idleness costs an attempt, but no pause."""
    bench = Bench(failure("cut", sent=True, fresh=False), answer())
    evidence = bench.call(maxAttempts=2).evidence
    assert (evidence.attempts, evidence.retried, bench.clock.sleeps) == (2, ("stale",), [])


def test_a_single_attempt_is_one_request() -> None:
    """With one attempt a request is sent once, whatever becomes of its connection."""
    bench = Bench(failure("cut", sent=True, fresh=False), answer())
    with pytest.raises(TransportError) as caught:
        bench.call(maxAttempts=1)
    assert (len(bench.transport.sent), caught.value.attempts, caught.value.retryable) == (1, 1, True)


# -- clock ------------------------------------------------------------------------------------------


def skewed(bench: Bench, ahead_s: float) -> None:
    """Make the scripted service refuse signatures of another time than its own."""

    def serve(request: HttpRequest) -> HttpResponse:
        theirs = bench.clock.now() + timedelta(seconds=offset["s"])
        date = format_datetime(theirs, usegmt=True)
        at = signed_at(request)
        if abs((theirs.replace(tzinfo=None) - _parsed(at)).total_seconds()) > 300:
            return refusal("InvalidSignatureException", f"Signature expired: {at} is now earlier than ...", date=date)
        return answer(date=date)

    offset = bench.__dict__.setdefault("offset", {})
    offset["s"] = ahead_s
    bench.transport._outcomes = [serve]


def _parsed(stamp: str):  # type: ignore[no-untyped-def]
    from datetime import datetime

    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ")  # noqa: DTZ007 - compared with another naive one


@pytest.mark.parametrize("ahead_s", [3600, -3600])
def test_clock_skew_is_corrected_and_remembered(ahead_s: float) -> None:
    """With a clock that is an hour off the second attempt succeeds, and every later call the first time."""
    bench = Bench(answer())
    skewed(bench, ahead_s)
    assert bench.call(maxAttempts=1).evidence.retried == ("skew",)
    assert [bench.call().evidence.attempts for _ in range(3)] == [1, 1, 1]


def test_skew_falls_back_to_zero() -> None:
    """When the clock has been set right the correction goes away, at the cost of one attempt at most."""
    bench = Bench(answer())
    skewed(bench, 3600)
    bench.call()
    skewed(bench, 0)
    assert bench.call().evidence.attempts == 2
    assert bench.client.skew_s == 0
    assert bench.call().evidence.attempts == 1


def test_skew_falls_back_while_calls_succeed() -> None:
    """A correction that is no longer needed goes away with the first answer whose date agrees with ours."""
    bench = Bench(answer())
    bench.client.skew_s = 250.0
    skewed(bench, 0)
    assert bench.call().evidence.attempts == 1
    assert bench.client.skew_s == 0


def test_skew_that_cannot_be_corrected() -> None:
    """Without a usable Date, or when the date agrees, the refusal is raised with what to do: set the clock."""
    for headers in ({}, {"date": "nonsense"}, {"date": "Thu, 15 Jan 2026 12:00:00 GMT"}):
        bench = Bench(refusal("InvalidSignatureException", "Signature expired: x", **headers))
        with pytest.raises(ServiceError, match="Set the clock") as caught:
            bench.call()
        assert (len(bench.transport.sent), caught.value.retryable) == (1, False)


def test_skew_of_many_threads() -> None:
    """Calls that were under way together are all repeated, although one of them has set the clock already."""
    bench = Bench(answer())
    skewed(bench, 3600)
    serve = bench.transport._outcomes[0]
    together = threading.Barrier(8)
    first = threading.local()

    def wait_then_serve(request: HttpRequest) -> HttpResponse:
        if not getattr(first, "met", False):
            first.met = True
            together.wait(5)
        return serve(request)  # type: ignore[operator]

    bench.transport._outcomes = [wait_then_serve]
    done: list[int] = []
    threads = [threading.Thread(target=lambda: done.append(bench.call().evidence.attempts)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [2] * 8


# -- credentials ----------------------------------------------------------------------------------------


class Renewing:
    """A provider whose credentials are renewed when AWS refuses them."""

    def __init__(self, *, others: bool = True) -> None:
        self.others = others
        self.refreshed = 0

    def credentials(self) -> Credentials:
        return Credentials(f"ASIA{self.refreshed}", f"secret-{self.refreshed}", f"token-{self.refreshed}")

    def refresh(self, stale: Credentials) -> bool:
        self.refreshed += 1
        return self.others

    def secrets(self) -> tuple[str, ...]:
        return ("secret-0", "token-0")


def test_expired_token_is_renewed_once() -> None:
    """A call that meets ExpiredToken gets new credentials and is repeated, beyond the limit of attempts."""
    bench = Bench(refusal("ExpiredTokenException"), answer())
    bench.client.provider = provider = Renewing()
    evidence = bench.call(maxAttempts=1).evidence
    assert (provider.refreshed, evidence.attempts, evidence.retried) == (1, 2, ("credentials",))
    assert "ASIA1" in bench.transport.sent[1].headers["authorization"]


@pytest.mark.parametrize("others", [True, False])
def test_expired_token_is_not_renewed_for_ever(others: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """When new credentials are refused too, or there are none, the error says how to get some."""
    bench = Bench(refusal("ExpiredTokenException"))
    bench.client.provider = provider = Renewing(others=others)
    with pytest.raises(ServiceError, match="Get new temporary keys") as caught:
        bench.call(maxAttempts=5)
    assert provider.refreshed == 1
    assert (len(bench.transport.sent), caught.value.retryable) == (1 + others, False)


def test_expired_credentials_are_not_sent() -> None:
    """Credentials that have expired by our clock sign nothing."""
    bench = Bench(answer())
    provider = Renewing()
    expired = Credentials("A", "s", "t", expires_at=bench.clock.now())
    provider.credentials = lambda: expired  # type: ignore[method-assign]
    bench.client.provider = provider
    with pytest.raises(CredentialsError):
        bench.call()
    assert bench.transport.sent == []


def test_clients_are_not_shared_between_identities() -> None:
    """Any difference in who signs, or where to, makes another client; anything else does not."""
    clients = Bench(answer()).clients
    base = clients.step("ListClusters", CONFIG).client
    assert clients.step("RunTask", {**CONFIG, "maxAttempts": 7}).client is base
    for field, value in {
        "accessKeyId": "AKIDOTHER", "secretAccessKey": "other", "sessionToken": "t", "region": "us-east-1",
        "endpoint": "https://ecs.example.org", "useFips": True, "useDualStack": True, "signingRegion": "us-east-1",
        "roleArn": "arn:aws:iam::123456789012:role/r",
    }.items():  # fmt: skip
        assert clients.step("ListClusters", {**CONFIG, field: value}).client is not base, field


def test_kept_clients_are_bounded() -> None:
    """Keys that come anew with every message do not pile up."""
    clients = Bench(answer()).clients
    for number in range(600):
        clients.step("ListClusters", {**CONFIG, "sessionToken": f"t{number}"})
    assert len(clients._clients) <= 256
    assert len(clients._steps) <= 256


# -- pace, answers, log ---------------------------------------------------------------------------------


def test_pacing_keeps_throttles_rare() -> None:
    """500 calls against a bucket of 20 that refills 10 a second meet less than 2 % throttled replies."""
    bench = Bench(answer(), latency_s=0.02)
    bucket = {"tokens": 20.0, "at": 0.0, "throttled": 0}

    def serve(request: HttpRequest) -> HttpResponse:
        now = bench.clock.monotonic()
        bucket["tokens"] = min(20.0, bucket["tokens"] + (now - bucket["at"]) * 10)
        bucket["at"] = now
        if bucket["tokens"] < 1:
            bucket["throttled"] += 1
            return refusal("ThrottlingException", "Rate exceeded")
        bucket["tokens"] -= 1
        return answer()

    bench.transport._outcomes = [serve]
    for _ in range(500):
        bench.call(maxAttempts=10)
    assert 0 < bucket["throttled"] < 0.02 * 500
    assert bench.clock.elapsed_s < 1.25 * (500 - 20) / 10


def test_other_operations_are_not_held_back() -> None:
    """The throttle of one operation does not slow another down."""
    bench = Bench(refusal("ThrottlingException"), answer())
    bench.call("ListServices")
    slept = len(bench.clock.sleeps)
    for _ in range(50):
        bench.call("ListClusters")
    assert len(bench.clock.sleeps) == slept


def test_pacing_ends_within_the_total_time() -> None:
    """A call whose turn would come too late is not sent, and says that trying later may help."""
    bench = Bench(refusal("ThrottlingException"))
    with pytest.raises(ServiceError):
        bench.call(maxAttempts=1)
    bench.client._pacers["ListClusters"].rate = 0.01
    with pytest.raises(TransportError, match="ECS throttles") as caught:
        bench.call(totalTimeoutSeconds=5)
    assert (caught.value.sent, caught.value.retryable, len(bench.transport.sent)) == (False, True, 1)


def test_unreadable_answer_says_how_often_it_was_tried() -> None:
    """A 200 that is not JSON is an error with the number of attempts."""
    with pytest.raises(ResponseError) as caught:
        Bench(refusal("ThrottlingException"), answer(b"<html>")).call()
    assert caught.value.attempts == 2


def test_debug_log_has_a_line_for_each_attempt(caplog: pytest.LogCaptureFixture) -> None:
    """At debug level each attempt has one line: operation, endpoint, number, status, request id, why."""
    with caplog.at_level(logging.DEBUG, logger="ecs_connector"):
        Bench(refusal("ThrottlingException"), failure("cut", sent=True), answer()).call()
    lines = [record.getMessage() for record in caplog.records]
    assert [line.split(" in ")[0] for line in lines] == [
        "ListClusters ecs.eu-central-1.amazonaws.com attempt 1: 400",
        "ListClusters ecs.eu-central-1.amazonaws.com attempt 2 after ThrottlingException: cut",
        "ListClusters ecs.eu-central-1.amazonaws.com attempt 3 after transport: 200",
    ]
    assert lines[0].endswith("request req-1")
