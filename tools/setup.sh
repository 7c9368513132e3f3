#!/bin/sh
# Installs what this machine lacks for libicl. Usage: sh tools/setup.sh [build|test|ci]
#   build  for the library and the examples (default)
#   test   also for the test suite
#   ci     also for .ci/run: clang, valgrind, the manual
# Nothing is done, and no rights are needed, where everything is there. Debian and Ubuntu are
# tried; Fedora and Homebrew are written down and untried.
set -eu
root=$(CDPATH='' cd "$(dirname "$0")/.." && pwd)
level=${1:-build}
case $level in
build | test | ci) ;;
*)
    echo "setup.sh: \"$level\" is not one of build, test, ci" >&2
    exit 2
    ;;
esac

# Entries are PACKAGE, or COMMAND=PACKAGE where any program of that name will do.
if command -v apt-get >/dev/null 2>&1; then
    system=debian
    wanted="cc=gcc libc6-dev meson ninja=ninja-build pkg-config=pkg-config libopenblas-dev
        liblapacke-dev libjansson-dev gnuplot=gnuplot-nox python3"
    wanted_test="check librandom123-dev c++=g++ nm=binutils abidiff=abigail-tools"
    wanted_ci="clang=clang valgrind=valgrind doxygen=doxygen sphinx-build=python3-sphinx
        python3-breathe"
elif command -v dnf >/dev/null 2>&1; then
    system=fedora
    wanted="cc=gcc meson ninja=ninja-build pkg-config=pkgconf-pkg-config openblas-devel
        jansson-devel gnuplot=gnuplot python3"
    wanted_test="check-devel Random123-devel c++=gcc-c++ nm=binutils abidiff=libabigail"
    wanted_ci="clang=clang valgrind=valgrind doxygen=doxygen sphinx-build=python3-sphinx
        python3-breathe"
elif command -v brew >/dev/null 2>&1; then
    system=homebrew
    wanted="meson ninja pkg-config=pkgconf openblas jansson gnuplot"
    wanted_test="check random123"
    wanted_ci="doxygen sphinx-build=sphinx-doc"
else
    echo "setup.sh: neither apt-get, dnf nor brew is here; see README.md for what is needed" >&2
    exit 0
fi
[ "$level" = build ] || wanted="$wanted $wanted_test"
[ "$level" != ci ] || wanted="$wanted $wanted_ci"

is_installed() {
    case $system in
    debian) [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ;;
    fedora) rpm -q --whatprovides "$1" >/dev/null 2>&1 ;;
    homebrew) brew list --versions "$1" >/dev/null 2>&1 ;;
    esac
}

missing=""
for entry in $wanted; do
    package=${entry#*=}
    if [ "$package" = "$entry" ]; then
        is_installed "$package" || missing="$missing $package"
    else
        command -v "${entry%%=*}" >/dev/null 2>&1 || missing="$missing $package"
    fi
done

as_root=""
if [ -n "$missing" ] && [ "$system" != homebrew ] && [ "$(id -u)" -ne 0 ]; then
    as_root=sudo
    if ! command -v sudo >/dev/null 2>&1; then
        echo "setup.sh: please install, as root:$missing" >&2
        exit 1
    fi
fi

# shellcheck disable=SC2086 # lists of words
install_missing() {
    case $system in
    debian)
        apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300"
        $apt update || echo "apt-get update failed; trying with the lists that are here"
        $apt install --no-install-recommends $missing
        ;;
    fedora) $as_root dnf -q -y install $missing ;;
    homebrew) brew install --quiet $missing ;;
    esac
}

if [ -n "$missing" ]; then
    echo "Installing$missing" >&2
    log=$(mktemp)
    if ! install_missing </dev/null >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        echo "setup.sh: could not install$missing" >&2
        exit 1
    fi
    rm -f "$log"
fi

# Older systems have a meson before 1.0: one of our own then, which tools/build.sh prefers.
version=$(meson --version 2>/dev/null || echo 0)
if [ "${version%%.*}" -lt 1 ] && [ ! -x "$root/build-meson/bin/meson" ]; then
    echo "Installing meson into build-meson (this one is $version, 1.0 is needed)" >&2
    python=/usr/bin/python3
    [ -x "$python" ] || python=python3
    if [ "$system" = debian ] && ! "$python" -c 'import ensurepip' 2>/dev/null; then
        missing=" python3-venv"
        [ "$(id -u)" -eq 0 ] || as_root=sudo
        install_missing </dev/null >/dev/null 2>&1
    fi
    "$python" -m venv "$root/build-meson"
    "$root/build-meson/bin/python" -m pip --quiet --disable-pip-version-check install \
        'meson>=1.0,<2' >&2
fi
