"""The model's HTML and names as plain text for a form."""

from __future__ import annotations

import pytest
from botocore.loaders import Loader

from ecs_codegen import text
from ecs_codegen.schema import anchored
from ecs_codegen.table import singular
from support.schema_check import HTML

MODEL = Loader().load_service_model("ecs", "service-2")


@pytest.mark.parametrize(
    "html, sentence",
    [
        ("<p>Starts a task.</p><p>More.</p>", "Starts a task."),
        ("<p>One. Two.</p>", "One."),
        ("<p>Uses <code>awsvpc</code> mode.</p>", "Uses awsvpc mode."),
        ("<note><p>A note.</p></note><p>The text.</p>", "The text."),
        ("<p>Costs $0.5 a day. Ends.</p>", "Costs $0.5 a day."),
        ("<p>For example, e.g. a cluster, and so on.</p>", "For example, e.g. a cluster, and so on."),
        ("<p>Is it? Yes.</p>", "Is it?"),
        ("<p>See <a href='x'>this &amp; that</a>.</p>", "See this & that."),
        ("<p>Values:</p><ul><li>a</li></ul>", "Values:"),
        ("  \n <p>  Much   \n space. </p>", "Much space."),
        ("no end", "no end"),
        ("", ""),
        ("<p></p>", ""),
    ],
)
def test_the_first_sentence_is_plain(html: str, sentence: str) -> None:
    """Tags, notes and further sentences are left out; abbreviations do not end a sentence."""
    assert text.first_sentence(html) == sentence


def test_nothing_of_the_models_html_is_left() -> None:
    """Every documentation text of the model becomes one plain line."""
    documented = [shape["documentation"] for shape in MODEL["shapes"].values() if "documentation" in shape]
    documented += [
        member["documentation"]
        for shape in MODEL["shapes"].values()
        for member in shape.get("members", {}).values()
        if "documentation" in member
    ]

    assert len(documented) > 1000
    for html in documented:
        sentence = text.first_sentence(html)
        assert not HTML.search(sentence)
        assert "\n" not in sentence
        assert sentence == sentence.strip()


@pytest.mark.parametrize(
    "name, title",
    [
        ("capacityProviderStrategy", "Capacity provider strategy"),
        ("taskDefinitionArn", "Task definition ARN"),
        ("subnetIds", "Subnet IDs"),
        ("enableECSManagedTags", "Enable ECS managed tags"),
        ("efsVolumeConfiguration", "EFS volume configuration"),
        ("sizeInGiB", "Size in GiB"),
        ("dnsServers", "DNS servers"),
        ("cpu", "CPU"),
        ("awsvpcConfiguration", "awsvpc configuration"),
        ("RunTask", "Run task"),
        ("s3", "S3"),
        ("tags", "Tags"),
        ("ip6Address", "Ip6 address"),
    ],
)
def test_a_title_reads_like_words(name: str, title: str) -> None:
    """Member names become titles with the capitals that abbreviations have."""
    found = text.title(name)

    assert found.lower() == title.lower()
    if name not in ("awsvpcConfiguration", "ip6Address"):
        assert found == title


@pytest.mark.parametrize(
    "name, module",
    [
        ("RunTask", "run_task"),
        ("ListTaskDefinitionFamilies", "list_task_definition_families"),
        ("DiscoverPollEndpoint", "discover_poll_endpoint"),
    ],
)
def test_a_module_is_named_in_snake_case(name: str, module: str) -> None:
    """The module name of an operation is importable and unique."""
    assert text.snake(name) == module
    names = [text.snake(operation) for operation in MODEL["operations"]]
    assert len(set(names)) == len(names)
    assert all(found.isidentifier() for found in names)


@pytest.mark.parametrize(
    "member, item",
    [
        ("clusterArns", "clusterArn"),
        ("families", "family"),
        ("daemonSummariesList", "daemonSummary"),
        ("settings", "setting"),
        ("hostSharedAlb", "hostSharedAlb"),
    ],
)
def test_an_item_is_named_in_the_singular(member: str, item: str) -> None:
    """The name under which one item travels is its list's, in the singular."""
    assert singular(member) == item


@pytest.mark.parametrize(
    "pattern, wanted",
    [("[a-z]+", "^[a-z]+$"), ("^[a-z]+$", "^[a-z]+$"), (r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)", r"^([\w\s.:/=+\-@]*)$")],
)
def test_a_pattern_holds_the_whole_text(pattern: str, wanted: str) -> None:
    """A model's pattern becomes one that a search applies to the whole text; Unicode classes are translated."""
    assert anchored(pattern) == wanted


def test_a_pattern_that_cannot_be_translated_is_refused() -> None:
    """A new model cannot bring a Unicode class in that we would misread."""
    with pytest.raises(ValueError, match="Unicode classes"):
        anchored(r"\p{Lu}+")
