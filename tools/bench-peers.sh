#!/bin/sh
# Makes a virtual environment with the peers that bench/ measures against and the tests exchange files
# with, from PyPI:
#     sh tools/bench-peers.sh [DIRECTORY]     (default ./build-peers)
#     ./build-peers/bin/python bench/bench.py --library build/libicl.so
set -eu
directory=${1:-build-peers}
python3 -m venv "$directory"
"$directory/bin/pip" install --quiet numpy torch jax safetensors
"$directory/bin/python" -c 'import numpy, torch, jax; print("numpy", numpy.__version__, "torch", torch.__version__, "jax", jax.__version__)'
