#!/bin/sh
# Compares the library's binary interface with the committed dump. Usage: check_abi.sh ABIDIFF DUMP
# INCLUDE LIBRARY. Skipped where the build has no debug information to read types from.
set -eu
abidiff=$1 dump=$2 include=$3 library=$4
if ! readelf -S "$library" | grep -q '\.debug_info'; then
    echo "skipped: $library has no debug information"
    exit 77
fi
result=0
"$abidiff" --no-show-locs --drop-private-types --headers-dir2 "$include" "$dump" "$library" || result=$?
# a bit field: 1 and 2 are abidiff's own failures, 4 a change, 8 an incompatible one
if [ $((result & 8)) -ne 0 ]; then
    echo "The change is incompatible: callers that were compiled before would break."
elif [ $((result & 4)) -ne 0 ]; then
    echo "If the change is meant and compatible, renew the dump: meson compile -C BUILD abi-update"
fi
exit "$result"
