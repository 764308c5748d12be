"""Whatever goes wrong, a call ends: within its attempts, within its time, and never done twice where that harms."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ecs_connector.errors import CallError
from support.scripted import Bench, answer, failure, refusal

_OUTCOMES = st.sampled_from(
    [
        answer(),
        refusal("ThrottlingException"),
        refusal("ThrottlingException", retry_after="20"),
        refusal("ClientException", "Capacity is unavailable at this time."),
        refusal("ServerException", status=500),
        refusal("InvalidParameterException"),
        refusal("ExpiredTokenException"),
        refusal("RequestExpired", date="Thu, 15 Jan 2026 18:00:00 GMT"),
        answer(b"", 502),
        answer(b"<", 200),
        failure("cut", sent=True),
        failure("cut", sent=True, fresh=False),
        failure("connect", sent=False),
        failure("tls", sent=False),
    ]
)
#: Outcomes after which the operation may have been carried out.
_MAYBE_DONE = (500, 502, 200)


@given(st.lists(_OUTCOMES, min_size=1, max_size=12), st.integers(1, 6), st.integers(1, 200), st.booleans())
def test_call_ends(outcomes: list[object], attempts: int, total_s: int, safe: bool) -> None:  # noqa: FBT001 - generated
    """A call sends at most its attempts and one more for each corrected cause, and takes no longer than its time."""
    bench = Bench(*outcomes, latency_s=0.5)  # type: ignore[arg-type]
    operation = ("ListClusters", {}) if safe else ("StartTask", {"taskDefinition": "t", "containerInstances": ["i"]})
    error: CallError | None = None
    try:
        evidence = bench.call(*operation, maxAttempts=attempts, totalTimeoutSeconds=total_s).evidence
    except CallError as caught:
        error = caught
    sent = len(bench.transport.sent)
    assert sent <= attempts + 3
    assert (error.attempts if error else evidence.attempts) == sent
    assert bench.clock.elapsed_s <= total_s + 0.5 * sent
    assert bench.client.quota.left >= 0
    if not safe:
        played = outcomes[:sent]
        uncertain = [one for one in played if getattr(one, "sent", getattr(one, "status", 0) in _MAYBE_DONE)]
        assert len(uncertain) <= 1, "sent again after it may have been carried out"
