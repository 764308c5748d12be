"""Installs what the flow step is measured beside: the official runtime and two components, into a cache."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "bench-node"
SOURCE = ROOT / "bench" / "node"


def installed() -> Path:
    """Return the folder that holds node_modules and the components `legacy` and `minimal`."""
    CACHE.mkdir(parents=True, exist_ok=True)
    wanted = (SOURCE / "package.json").read_text()
    there = CACHE / "package.json"
    if not there.exists() or there.read_text() != wanted or not (CACHE / "node_modules").exists():
        there.write_text(wanted)
        system = "/etc/ssl/certs/ca-certificates.crt"
        authorities = {"NODE_EXTRA_CA_CERTS": system} if os.path.exists(system) else {}
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        subprocess.run(command, cwd=CACHE, check=True, env={**authorities, **os.environ})
    for name in ("legacy", "minimal"):
        shutil.copytree(SOURCE / name, CACHE / name, dirs_exist_ok=True)
    spec = CACHE / "legacy" / "spec.json"
    if not spec.exists():
        spec.write_text(json.dumps(description(), indent=1))
    return CACHE


def description() -> dict[str, Any]:
    """Return today's ECS model as an OpenAPI description, the way the generator of 2019 wrote its own."""
    import botocore.session

    model = botocore.session.get_session().get_service_model("ecs")
    # Without what is newest: about the 3.5 MB of the description of 2019.
    names = [name for name in sorted(model.operation_names) if "Gateway" not in name and "Daemon" not in name]
    paths = {
        f"/{name}": {
            "post": {
                "operationId": name,
                "description": model.operation_model(name).documentation,
                "requestBody": {"content": {"application/json": {"schema": _schema(model.operation_model(name).input_shape)}}},
                "responses": {"200": {"description": "Success", "content": {"application/json": {
                    "schema": _schema(model.operation_model(name).output_shape)}}}},
                "security": [{"hmac": []}],
            }
        }
        for name in names
    }  # fmt: skip
    scheme = {"type": "apiKey", "name": "Authorization", "in": "header"}
    return {
        "openapi": "3.0.0",
        "info": {"title": "Amazon EC2 Container Service", "version": model.api_version},
        "servers": [{"url": "http://ecs.amazonaws.com/"}],
        "paths": paths,
        "components": {"securitySchemes": {"hmac": scheme}},
    }


def _schema(shape: Any) -> dict[str, Any]:
    """Return a shape with everything inside written out, as the description of 2019 has it."""
    if shape is None:
        return {"type": "object"}
    if shape.type_name == "structure":
        properties = {
            name: {**_schema(member), "description": member.documentation} for name, member in shape.members.items()
        }
        return {"type": "object", "description": shape.documentation, "properties": properties}
    if shape.type_name == "list":
        return {"type": "array", "items": _schema(shape.member)}
    if shape.type_name == "map":
        return {"type": "object", "additionalProperties": _schema(shape.value)}
    kinds = {"integer": "integer", "long": "integer", "double": "number", "float": "number", "boolean": "boolean"}
    return {"type": kinds.get(shape.type_name, "string")}


def node() -> str:
    """Return the Node.js binary."""
    found = shutil.which("node")
    if found is None:
        raise SystemExit("bench-flow needs Node.js and npm: install them, then run it again.")
    return os.path.realpath(found)
