#!/bin/sh
# Runs the step. The platform's slug runner calls it by this name.
exec "$(dirname -- "$0")/docker/entrypoint" run
