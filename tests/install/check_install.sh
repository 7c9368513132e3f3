#!/bin/sh
# Installs into a temporary folder, then builds and runs other people's programs against it, shared
# and static, by pkg-config alone. Usage: check_install.sh SOURCE BUILD PREFIX LIBDIR CC [ARGUMENT ...]
set -eu
source=$1 build=$2 prefix=$3 libdir=$4
shift 4
command -v pkg-config > /dev/null || exit 77
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
DESTDIR=$root ${MESON:-meson} install --no-rebuild --quiet -C "$build"
at=$root$prefix

for file in include/icl/icl.h "$libdir/libicl.a" "$libdir/libicl.so" "$libdir/libicl.so.0" \
    "$libdir/pkgconfig/libicl.pc"; do
    test -e "$at/$file" || { echo "not installed: $file"; exit 1; }
done
case $(ls "$at/include") in icl) ;; *) echo "unexpected headers:"; ls "$at/include"; exit 1 ;; esac

# the same file, as if the temporary folder were the prefix
mkdir "$root/pc"
sed "s|^prefix=.*|prefix=$at|" "$at/$libdir/pkgconfig/libicl.pc" > "$root/pc/libicl.pc"
if grep -qi 'random123\|check' "$root/pc/libicl.pc"; then
    echo "libicl.pc asks for what the library does not use:"
    cat "$root/pc/libicl.pc"
    exit 1
fi
# what only the library calls is linked by static consumers alone
if grep '^Libs:\|^Requires:' "$root/pc/libicl.pc" | grep -q jansson ||
    ! grep -q '^Requires.private:.*jansson' "$root/pc/libicl.pc"; then
    echo "libicl.pc does not keep jansson private:"
    cat "$root/pc/libicl.pc"
    exit 1
fi
export PKG_CONFIG_PATH="$root/pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"

warnings='-std=c11 -Wall -Wextra -Wpedantic -Werror'
tests=$source/tests/install
# the README's C example is the text between ```c and ```
awk '/^```c$/{on=1; next} /^```/{on=0} on' "$source/README.md" > "$root/readme.c"
test -s "$root/readme.c" || { echo "README.md lost its C example"; exit 1; }

for program in "$tests/consumer.c" "$tests/getting_started.c" "$tests/comparing.c" "$root/readme.c"; do
    name=$(basename "$program" .c)
    "$@" $warnings "$program" $(pkg-config --cflags --libs libicl) -lm -o "$root/$name-shared"
    LD_LIBRARY_PATH=$at/$libdir "$root/$name-shared"
done

rm "$at/$libdir"/libicl.so*
for program in "$tests/consumer.c" "$tests/getting_started.c" "$tests/comparing.c" "$root/readme.c"; do
    name=$(basename "$program" .c)
    "$@" $warnings "$program" $(pkg-config --cflags --libs --static libicl) -o "$root/$name-static"
    "$root/$name-static"
done
