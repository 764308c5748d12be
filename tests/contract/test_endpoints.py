"""Endpoints equal those of AWS's own rule set."""

from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError

from ecs_connector.endpoint import Partitions, resolve
from ecs_connector.errors import EndpointError
from ecs_connector.verify_credentials import sts_endpoint
from support.scripted import CONFIG, Bench, answer

_DATA = Path(botocore.__file__).parent / "data"
PARTITIONS_JSON = json.loads((_DATA / "partitions.json").read_text())
PARTITIONS = Partitions.load()
REGIONS = [
    region for partition in PARTITIONS_JSON["partitions"] for region in partition["regions"] if "global" not in region
]
#: Regions that no list has: they follow their partition's pattern, or fall to the first partition.
MADE_UP = [
    "eu-nowhere-9", "us-atlantis-1", "cn-moon-3", "us-gov-middle-7", "us-iso-far-1", "us-isob-far-1", "us-isof-far-1",
    "eu-isoe-far-1", "eusc-de-far-1", "mx-x-1", "il-x-22", "mars-1", "eu", "EU-WEST-1", "us-east-1a",
]  # fmt: skip


def rules(service: str, version: str) -> EndpointProvider:
    with gzip.open(_DATA / service / version / "endpoint-rule-set-1.json.gz") as file:
        return EndpointProvider(json.load(file), PARTITIONS_JSON)


ECS, STS = rules("ecs", "2014-11-13"), rules("sts", "2011-06-15")


def theirs(provider: EndpointProvider, region: str, *, fips: bool, dual_stack: bool, **more: Any) -> str | None:
    try:
        found = provider.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual_stack, **more)
    except EndpointProviderError:
        return None
    return str(found.url)


@pytest.mark.parametrize(("fips", "dual_stack"), list(itertools.product([False, True], repeat=2)))
@pytest.mark.parametrize("region", REGIONS + MADE_UP)
def test_equal_to_botocore(region: str, fips: bool, dual_stack: bool) -> None:  # noqa: FBT001 - a table
    """URL and signing scope are those of botocore's rule set, and what it refuses is refused."""
    expected = theirs(ECS, region, fips=fips, dual_stack=dual_stack)
    try:
        found = resolve(region, partitions=PARTITIONS, use_fips=fips, use_dual_stack=dual_stack)
    except EndpointError:
        assert expected is None
        return
    assert found.url == expected
    assert (found.signing_region, found.signing_name) == (region, "ecs")
    assert found.authority == found.url.removeprefix("https://")


@pytest.mark.parametrize(("fips", "dual_stack"), list(itertools.product([False, True], repeat=2)))
@pytest.mark.parametrize("region", REGIONS)
def test_sts_equal_to_botocore(region: str, fips: bool, dual_stack: bool) -> None:  # noqa: FBT001 - a table
    """The STS endpoint that verification asks is botocore's regional one."""
    expected = theirs(STS, region, fips=fips, dual_stack=dual_stack, UseGlobalEndpoint=False)
    ecs = resolve(region, partitions=PARTITIONS)
    found = sts_endpoint(ecs, PARTITIONS, fips=fips, dual_stack=dual_stack)
    assert found.url == expected


def test_every_region_is_known() -> None:
    """Every region of botocore's partitions is in ours."""
    assert set(REGIONS) <= set(PARTITIONS.regions)


@pytest.mark.parametrize(("fips", "dual_stack"), [(True, False), (False, True), (True, True)])
def test_custom_endpoint_excludes_variants(fips: bool, dual_stack: bool) -> None:  # noqa: FBT001 - a table
    """A custom endpoint with FIPS or dual-stack is refused, as botocore's rules refuse it, before anything is sent."""
    expected = theirs(ECS, "eu-west-1", fips=fips, dual_stack=dual_stack, Endpoint="https://ecs.example.org")
    assert expected is None
    bench = Bench(answer())
    with pytest.raises(EndpointError, match="custom endpoint"):
        bench.call(**{**CONFIG, "endpoint": "https://ecs.example.org", "useFips": fips, "useDualStack": dual_stack})
    assert bench.transport.sent == []
