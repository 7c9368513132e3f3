#!/bin/sh
# Runs a Julia program on the built library; 77, skipped, where there is no Julia.
# Usage: run_julia.sh BUILD PROGRAM LIBRARY
set -eu
build=$1
shift
for julia in "${JULIA-}" julia /work/julia/bin/julia /work/julia "$build/julia/bin/julia" \
    "$build/julia"; do
    if [ -n "$julia" ] && [ ! -d "$julia" ] && command -v "$julia" > /dev/null; then
        exec "$julia" --startup-file=no "$@"
    fi
done
echo "skipped: no Julia. sh tools/get-julia.sh $build/julia fetches one"
exit 77
