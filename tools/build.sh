#!/bin/sh
# Configures and builds, quietly; what was said stays in FOLDER/build.log and is shown where it
# fails. Usage: sh tools/build.sh FOLDER [OPTIONS OF MESON SETUP]
set -eu
root=$(CDPATH='' cd "$(dirname "$0")/.." && pwd)
cd "$root"
folder=$1
shift
. tools/paths.sh

mkdir -p "$folder"
log=$folder/build.log
# a set-up that was broken off is begun again
wipe=""
if [ -d "$folder/meson-private" ] && [ ! -f "$folder/build.ninja" ]; then
    wipe=--wipe
fi
build() {
    if [ ! -f "$folder/build.ninja" ]; then
        meson setup $wipe "$@" "$folder" || return 1
    fi
    meson compile -C "$folder"
}
echo "Building in $folder (about a minute the first time)" >&2
if ! build "$@" </dev/null >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    echo "build.sh: $folder could not be built; all of it is in $root/$log" >&2
    exit 1
fi
