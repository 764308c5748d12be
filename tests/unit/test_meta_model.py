"""What the platform is told of a step's input and output."""

from __future__ import annotations

import json

import pytest

from ecs_connector.errors import DescriptorError
from ecs_connector.meta_model import meta_model


def model_of(component, function, **config):
    return meta_model(component.action(function), component.clients.model.operation(function), config)


def test_the_schemas_of_the_descriptor_are_given(component):
    """Without further word the answer is what the files say."""
    found = model_of(component, "RunTask")
    for side in ("in", "out"):
        with open(component.action("RunTask").path(f"./schemas/RunTask.{side}.json"), encoding="utf-8") as file:
            assert found[side] == json.load(file)


def test_items_that_are_text_are_described_under_their_name(component):
    """A step that emits ARNs one by one emits objects with one member."""
    out = model_of(component, "ListClusters", emitBehaviour="emitIndividually")["out"]
    assert list(out["properties"]) == ["clusterArn"]
    assert out["properties"]["clusterArn"]["type"] == "string"


def test_items_that_are_objects_are_described_as_they_are(component):
    """A step that emits attributes one by one emits what an attribute is."""
    out = model_of(component, "ListAttributes", emitBehaviour="emitIndividually")["out"]
    assert {"name", "value", "targetType", "targetId"} == set(out["properties"])


def test_every_list_can_be_described_by_item(component):
    """No operation's list lies where its schema does not lead."""
    model = component.clients.model
    for name in model.names:
        if model.operation(name).pages is not None:
            assert model_of(component, name, emitBehaviour="emitIndividually")["out"]["properties"], name


def test_other_emit_behaviours_give_the_whole_output(component):
    """A page and all pages have the output's own form."""
    assert "clusterArns" in model_of(component, "ListClusters", emitBehaviour="emitPage")["out"]["properties"]


def test_an_action_without_metadata_says_so(component):
    """An entry that names no schemas is an error of the descriptor."""
    action = component.action("RunTask")
    bare = action._replace(entry={"main": "x"})
    with pytest.raises(DescriptorError, match="no metadata"):
        meta_model(bare, None, {})
