# Everything a developer types. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test check generate generate-check model-report bench bench-flow interop lock pictures clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

setup: $(STAMP) ## make the virtual environment in .venv

demo: setup ## run the main job on the embedded ECS endpoint: no AWS account, no network
	@$(BIN)/python examples/demo.py

test: setup ## set everything up and run the whole test suite
	@.ci/install-services
	$(BIN)/python -m pytest

check: setup ## ruff, mypy, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -W error -m compileall -q lib actions
	$(BIN)/python -m ecs_codegen check

generate: setup ## write component.json, actions, schemas and the operation table from the AWS model
	$(BIN)/python -m ecs_codegen generate

generate-check: setup ## fail when a generated file is not what `make generate` writes
	$(BIN)/python -m ecs_codegen check

model-report: setup ## what a newer AWS model would change (OLD=1.40.0 NEW=1.44.5 compares two versions)
	$(BIN)/python -m ecs_codegen report $(OLD) $(NEW)

$(VENV)/.bench: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,bench]'
	@touch $@

bench: $(VENV)/.bench ## measure beside boto3; writes BENCHMARKS.md
	$(BIN)/python -m bench run

bench-flow: $(VENV)/.bench ## measure the flow step beside the official Node.js runtime
	@.ci/install-services
	$(BIN)/python -m bench flow

interop: setup ## the interop rows with the official runtime, as a table
	@.ci/install-services
	$(BIN)/python tests/broker/interop_table.py

lock: setup ## pin the image's dependencies with their hashes
	$(BIN)/python .ci/lock

pictures: setup ## make the pictures of the README anew, from real runs
	$(BIN)/python docs/pictures.py

clean: ## remove what make made
	rm -rf $(VENV) .cache build dist
