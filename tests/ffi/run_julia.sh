#!/bin/sh
# Runs a Julia program on the built library; 77, skipped, where there is no Julia.
# Usage: run_julia.sh BUILD PROGRAM LIBRARY
set -eu
build=$1
shift
for julia in "${JULIA-}" "$(command -v julia || true)" /work/julia/bin/julia /work/julia/julia \
    "$build/julia/bin/julia" "$build/julia"; do
    if [ -n "$julia" ] && [ -f "$julia" ] && [ -x "$julia" ]; then
        exec "$julia" --startup-file=no "$@"
    fi
done
echo "skipped: no Julia; sh tools/get-julia.sh $build/julia fetches one"
exit 77
