#!/bin/sh
# Installs what is missing, builds with warnings as errors, runs every test. The last line is
# "N passed, N failed"; the exit status is 0 if none failed. Options go to meson test.
set -eu
root=$(CDPATH='' cd "$(dirname "$0")/.." && pwd)
cd "$root"
. tools/paths.sh
if ! sh tools/setup.sh test || ! sh tools/build.sh build-test -Dwerror=true; then
    echo "0 passed, 1 failed"
    exit 1
fi
. tools/paths.sh # set-up may have brought another meson
rm -f build-test/meson-logs/testlog.*
meson test -C build-test --no-rebuild --print-errorlogs "$@" </dev/null || true
exec "$python" tools/count_tests.py build-test/meson-logs/testlog
