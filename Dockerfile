# The step's image: the component, its pinned dependencies and nothing else. Nothing listens.
#
# The platform's builder sets the labels elastic.io.component and elastic.io.logo itself; for another
# registry `docker/build-image TAG` sets them.

FROM python:3.13-slim-bookworm AS dependencies
WORKDIR /build
COPY requirements.lock ./
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: \
        --require-hashes --requirement requirements.lock \
    && /opt/venv/bin/pip uninstall --yes --quiet pip
# botocore serves credentials only; the models of the other services are most of its size.
COPY docker/prune ./
RUN sh prune /opt/venv

FROM python:3.13-slim-bookworm
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --create-home --shell /bin/sh node
COPY --from=dependencies /opt/venv /opt/venv
ENV COMPONENT_HOME=/home/node/component \
    PATH=/opt/venv/bin:/home/node/component/docker/shims:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1
WORKDIR /home/node/component
COPY component.json logo.png LICENSE sail.sh serve.sh ./
COPY docker/entrypoint docker/entrypoint
COPY docker/shims docker/shims
COPY actions actions
COPY schemas schemas
COPY lib/ecs_connector lib/ecs_connector
# Compiled once here, because the step's user cannot write next to the sources.
RUN python3 -m compileall -q lib actions
USER 1000
# 143 is what a process says that SIGTERM has ended; the platform takes it for a failure.
ENTRYPOINT ["tini", "-v", "-e", "143", "--", "/home/node/component/docker/entrypoint"]
