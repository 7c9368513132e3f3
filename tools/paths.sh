# shellcheck shell=sh
# Sourced from the top of the tree: where the tools are. Sets python to one that has what Debian's
# packages install: the first on PATH may be another.
if [ -x build-meson/bin/meson ]; then
    PATH=$PWD/build-meson/bin:$PATH
fi
# Homebrew keeps its OpenBLAS to itself
if [ "$(uname)" = Darwin ] && command -v brew >/dev/null 2>&1; then
    PKG_CONFIG_PATH=$(brew --prefix openblas)/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
    export PKG_CONFIG_PATH
fi
python=/usr/bin/python3
[ -x "$python" ] || python=python3
