#!/bin/sh
# Compares the library's binary interface with the committed dump.
# Usage: check_abi.sh ABIDIFF ABIDW DUMP INCLUDE LIBRARY, or with --update first: writes the dump.
# Skipped where the build has no debug information to read types from.
set -eu
update=
if [ "$1" = --update ]; then
    update=yes
    shift
fi
abidiff=$1 abidw=$2 dump=$3 include=$4 library=$5

# Both sides are dumps: abidiff's own --headers-dir hides every change from a dump without locations.
write_dump() {
    "$abidw" --no-corpus-path --no-comp-dir-path --no-show-locs --drop-private-types \
        --no-elf-needed --headers-dir "$include" --out-file "$1" "$library"
}

if [ -n "$update" ]; then
    write_dump "$dump"
    exit 0
fi
if ! readelf -S "$library" | grep -q '\.debug_info'; then
    echo "skipped: $library has no debug information"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
write_dump "$work/now.abi"

# first see that a struct which is 8 bytes smaller would be noticed
sed "/class-decl name='icl_law_options'/s/size-in-bits='[0-9]*'/size-in-bits='64'/" "$dump" \
    > "$work/planted.abi"
if "$abidiff" "$work/planted.abi" "$work/now.abi" > /dev/null; then
    echo "abidiff does not notice a planted change"
    exit 1
fi

result=0
"$abidiff" --no-show-locs "$dump" "$work/now.abi" || result=$?
# a bit field: 1 and 2 are abidiff's own failures, 4 a change, 8 an incompatible one
if [ $((result & 8)) -ne 0 ]; then
    echo "The change is incompatible: callers that were compiled before would break."
elif [ $((result & 4)) -ne 0 ]; then
    echo "If the change is meant and compatible, renew the dump: meson compile -C BUILD abi-update"
fi
exit "$result"
