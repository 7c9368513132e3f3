#!/bin/sh
# The shortest way to see libicl at work: installs what is missing, builds, runs one-step-gd.
# Options are handed on: sh tools/demo.sh --dim 10 --noise 1 --plot step.png
set -eu
root=$(CDPATH='' cd "$(dirname "$0")/.." && pwd)
sh "$root/tools/setup.sh" build
sh "$root/tools/build.sh" build-demo --buildtype=release -Dtests=disabled
exec "$root/build-demo/examples/one-step-gd" "$@"
