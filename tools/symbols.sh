#!/bin/sh
# Writes lib/libicl.map, the list of exported symbols, from the ICL_API declarations of the headers;
# with --check, compares instead and exits 1 where they differ.
set -eu
cd "$(dirname "$0")/.."
list() {
    printf 'LIBICL_0 {\nglobal:\n'
    grep -hv '^ *#' include/icl/*.h | tr '\n' ' ' | grep -o 'ICL_API [^;{#]*(' | sed 's/(.*//; s/.*[ *]//' |
        LC_ALL=C sort -u | sed 's/.*/    &;/'
    printf 'local:\n    *;\n};\n'
}
if [ "${1-}" = --check ]; then
    list | diff - lib/libicl.map
else
    list > lib/libicl.map
fi
