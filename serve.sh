#!/bin/sh
# Runs a service method: serve.sh verifyCredentials | getMetaModel | selectModel
exec "$(dirname -- "$0")/docker/entrypoint" serve "$@"
