#!/bin/sh
# Unpacks Debian 11's Julia 1.5.3, which Debian 12 has not, into a folder, installing nothing.
# Usage: sh tools/get-julia.sh [FOLDER]; prints the path of the julia to run. Needs apt-get, dpkg
# and Debian's keys on x86-64; no root.
set -eu
folder=$(realpath -m "${1:-./build-julia}")
triple=x86_64-linux-gnu
keys=/usr/share/keyrings/debian-archive-keyring.gpg
if [ -x "$folder/bin/julia" ] && [ -f "$folder/root/usr/lib/$triple/libunwind.so.8.0.1" ]; then
    echo "$folder/bin/julia"
    exit 0
fi
if [ "$(uname -m)" != x86_64 ] || [ ! -f "$keys" ] || ! command -v apt-get >/dev/null; then
    echo "get-julia.sh: needs an x86-64 machine with apt-get and $keys" >&2
    exit 1
fi

mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial" "$folder/debs" "$folder/root" \
    "$folder/bin"
# the mirror that this machine uses
mirror=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk '/^URIs:/ {print $2; exit}')
cat >"$folder/bullseye.sources" <<X
Types: deb
URIs: ${mirror:-http://deb.debian.org/debian}
Suites: bullseye
Components: main
Signed-By: $keys
X
cat >"$folder/apt.conf" <<X
Dir::Etc::sourcelist "$folder/bullseye.sources";
Dir::Etc::sourceparts "-";
Dir::State::lists "$folder/lists";
Dir::Cache "$folder/cache";
Acquire::Languages "none";
Acquire::Retries "2";
APT::Sandbox::User "";
X
export APT_CONFIG="$folder/apt.conf"
apt-get -qq update >&2
cd "$folder/debs"
# libunwind too, by release: Debian 12's lays out a struct in another way, and every exception thrown
# in compiled code would end in a segmentation fault
apt-get -qq download julia julia-common libjulia1 libdsfmt-19937-1 libffi7 libgit2-1.1 \
    libhttp-parser2.9 libllvm9 libmbedcrypto3 libmbedtls12 libmbedx509-0 libopenlibm3 \
    libutf8proc2 libunwind8/bullseye >&2
for package in *.deb; do
    dpkg -x "$package" "$folder/root"
done

# lib/julia/libX.so is a link to ../libX.so.N: complete those whose library is the system's
libraries=$folder/root/usr/lib/$triple
find -L "$libraries/julia" -type l | while read -r link; do
    target=$(basename "$(readlink "$link")")
    for place in "/usr/lib/$triple" "/lib/$triple"; do
        if [ -e "$place/$target" ]; then
            ln -sf "$place/$target" "$libraries/$target"
            break
        fi
    done
done
cd "$folder"
rm -rf debs cache lists
cat >bin/julia <<X
#!/bin/sh
exec env LD_LIBRARY_PATH="$libraries\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" \\
    "$folder/root/usr/bin/julia" "\$@"
X
chmod +x bin/julia
echo "$folder/bin/julia"
