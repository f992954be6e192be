#!/usr/bin/env bash
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
# Builds and runs programs that use Ferry through find_package, pkg-config and FetchContent. They use
# the libraries that the build has made: nothing of Ferry is compiled again.
# Usage: run.sh BUILD-DIRECTORY CONFIG GENERATOR CXX SCRATCH-DIRECTORY VERSION [COMPONENT...]
# From the environment: CXXFLAGS, and CXX_STANDARD (20).
set -euo pipefail
build=$1 config=$2 generator=$3 cxx=$4 scratch=$5 version=$6
shift 6
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
components=$(IFS=';'; echo "$*")
programs=("$@" ferry)
standard=${CXX_STANDARD:-20}

fail() { echo "$*" >&2; exit 1; }

# configure NAME OPTION...: a build folder of that name for the programs.
configure() {
    local name=$1
    shift
    cmake -S "$here" -B "$scratch/$name" -G "$generator" -DCMAKE_CXX_COMPILER="$cxx" \
        -DCMAKE_BUILD_TYPE="$config" -DCMAKE_CXX_FLAGS="${CXXFLAGS:-}" \
        -DCMAKE_CXX_STANDARD="$standard" "$@"
}

# must_explain TEXT OPTION...: find_package fails and says why.
must_explain() {
    local text=$1 said
    shift
    rm -rf "$scratch/missing"
    said=$(configure missing -DCMAKE_PREFIX_PATH="$scratch/moved" "$@" 2>&1) &&
        fail "find_package should have failed: $*"
    # CMake breaks the lines of a message.
    [[ $(tr -s ' \n' ' ' <<<"$said") == *"$text"* ]] || fail "'$text' is not in: $said"
}

echo "== find_package" # and the installation may be moved
rm -rf "$scratch/prefix" "$scratch/moved" "$scratch/find_package"
cmake --install "$build" --config "$config" --prefix "$scratch/prefix" >/dev/null
mv "$scratch/prefix" "$scratch/moved"
configure find_package -DCMAKE_PREFIX_PATH="$scratch/moved" -DFERRY_COMPONENTS="$components"
cmake --build "$scratch/find_package" --config "$config" --parallel 2
for program in "${programs[@]}"; do
    "$scratch/find_package/use_$program" || fail "use_$program failed"
done
must_explain "The component 'paper' is missing: Ferry has no such component" \
    -DFERRY_COMPONENTS=paper
if [[ " $* " == *" process "* ]]; then
    must_explain "The component 'process' is missing: cereal was not found" \
        -DFERRY_COMPONENTS=process -DCMAKE_DISABLE_FIND_PACKAGE_cereal=ON
fi
if [[ " $* " == *" cluster "* ]]; then
    must_explain "The component 'cluster' is missing: OpenSSL was not found" \
        -DFERRY_COMPONENTS=cluster -DCMAKE_DISABLE_FIND_PACKAGE_OpenSSL=ON
    must_explain "The component 'cluster' is missing: it needs the component 'process'" \
        -DFERRY_COMPONENTS=cluster -DCMAKE_DISABLE_FIND_PACKAGE_cereal=ON
fi

# A build with tests shows what they use of the inside too.
if grep -q '^BUILD_SHARED_LIBS:.*=ON$' "$build/CMakeCache.txt"; then
    echo "== shared libraries"
    while IFS= read -r library; do
        stem=$(basename "${library%%.so*}")
        LC_ALL=C readelf --dynamic "$library" | grep -qF "soname: [$stem.so.${version%.*}]" ||
            fail "the soname of $library does not end in ${version%.*}"
        grep -q '^FERRY_BUILD_TESTS:.*=OFF$' "$build/CMakeCache.txt" || continue
        # What is weak is a template or inline, and may be anybody's.
        shown=$(nm --dynamic --defined-only --demangle "$library" | sed 's/^[0-9a-f]* *//' |
            grep -v '^[VWuw] ') || fail "$library exports nothing"
        ! grep -v 'ferry::' <<<"$shown" || fail "$library exports names that are not Ferry's"
        ! grep -F 'ferry::detail::task_queue::' <<<"$shown" || fail "$library hides nothing"
    done < <(find "$scratch/moved" -type f -name 'libferry*.so.*')
fi

echo "== the first program of the documentation"
cmake -S "$here/../../doc/examples/first" -B "$scratch/first" -G "$generator" \
    -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_PREFIX_PATH="$scratch/moved"
cmake --build "$scratch/first" --config "$config"
first=$(find "$scratch/first" -type f -name first -perm -u+x)
"$first" | diff - "$here/../../doc/examples/first/main.out"

echo "== pkg-config"
command -v pkg-config || fail "pkg-config is not installed"
pc=$(find "$scratch/moved" -name ferry.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
for program in "${programs[@]}"; do
    package=ferry-$program
    [[ $program != ferry ]] || package=ferry
    [[ $(pkg-config --modversion "$package") == "$version" ]] || fail "$package is not $version"
    read -r -a flags < <(pkg-config --cflags --libs "$package")
    "$cxx" -std=c++"$standard" ${CXXFLAGS:-} "$here/$program.cpp" -o "$scratch/use_$program" "${flags[@]}"
    LD_LIBRARY_PATH=$(pkg-config --variable=libdir "$package") "$scratch/use_$program" ||
        fail "$package: use_$program failed"
done

# In a unity build, as some programs are. The program is compiled as it would be, and linked with the
# library that is there already.
echo "== FetchContent"
rm -rf "$scratch/fetch"
configure fetch -DFERRY_SOURCE_DIR="$(cd "$here/../.." && pwd)" -DCMAKE_UNITY_BUILD=ON \
    -DFERRY_BUILD_PROCESS=OFF
object=ferry.cpp.o
[[ $generator != Ninja ]] || object=CMakeFiles/use_ferry.dir/Unity/unity_0_cxx.cxx.o
cmake --build "$scratch/fetch" --config "$config" --target "$object"
object=$(find "$scratch/fetch/CMakeFiles/use_ferry.dir" -name '*.o')
read -r -a flags < <(pkg-config --libs ferry)
"$cxx" ${CXXFLAGS:-} "$object" -o "$scratch/use_fetched" "${flags[@]}"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir ferry) "$scratch/use_fetched" || fail "use_fetched"
