#!/usr/bin/env bash
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
# Builds and runs a program that uses Ferry through add_subdirectory, find_package and pkg-config.
# Usage: run.sh BUILD-DIRECTORY CONFIG GENERATOR CXX SCRATCH-DIRECTORY COMPONENTS
set -euo pipefail
build=$1 config=$2 generator=$3 cxx=$4 scratch=$5 components=$6
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# consumer NAME OPTION...: what CMake makes of it.
consumer() {
    local directory=$scratch/$1
    shift
    cmake -S "$here" -B "$directory" -G "$generator" -DCMAKE_CXX_COMPILER="$cxx" "$@"
    cmake --build "$directory" --target consumer --parallel 2
    "$directory/consumer"
}

# In a unity build, as some programs are. What an earlier run has built of the library stays.
echo "== add_subdirectory"
consumer add_subdirectory -DFERRY_SOURCE_DIR="$here/../.." -DCMAKE_UNITY_BUILD=ON

# Nothing of an earlier installation stays, and the new one may be moved.
echo "== find_package"
rm -rf "$scratch/prefix" "$scratch/moved" "$scratch/find_package"
cmake --install "$build" --config "$config" --prefix "$scratch/prefix"
mv "$scratch/prefix" "$scratch/moved"
consumer find_package -DCMAKE_PREFIX_PATH="$scratch/moved" -DFERRY_COMPONENTS="$components"

echo "== the first program of the documentation"
cmake -S "$here/../../doc/examples/first" -B "$scratch/first" -G "$generator" \
    -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_PREFIX_PATH="$scratch/moved"
cmake --build "$scratch/first" --config "$config"
first=$(find "$scratch/first" -type f -name first -perm -u+x)
"$first" | diff - "$here/../../doc/examples/first/main.out"

echo "== pkg-config"
command -v pkg-config || { echo "pkg-config is not installed" >&2; exit 1; }
pc=$(find "$scratch/moved" -name ferry.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
read -r -a flags < <(pkg-config --cflags --libs ferry)
"$cxx" -std=c++20 "$here/consumer.cpp" -o "$scratch/consumer" "${flags[@]}"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir ferry) "$scratch/consumer"
