# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
# Sourced by tools/test and tools/demo. Defines setup_packages [--tsan].

ferry_compile_check() {
    local compiler=$1 tool
    for tool in cmake ninja python3 "$compiler"; do
        command -v "$tool" >/dev/null || { echo "missing: $tool" >&2; return 1; }
    done
    "$compiler" -std=c++20 -fsyntax-only -x c++ - <<'CODE'
#include <boost/version.hpp>
#include <boost/asio/version.hpp>
#include <boost/json/value.hpp>
#include <boost/url/url_view.hpp>
#include <boost/test/detail/config.hpp>
#include <cereal/cereal.hpp>
#include <curl/curl.h>
#include <CLI/CLI.hpp>
#if BOOST_VERSION < 108100
#error "Boost 1.81 or newer is needed"
#endif
CODE
}

# Installs what the build needs, or explains what is missing and returns 1.
setup_packages() {
    local packages=(g++ cmake ninja-build pkg-config python3 libboost1.81-dev libboost-test1.81-dev
        libboost-context1.81-dev libboost-json1.81-dev libboost-url1.81-dev libcurl4-openssl-dev
        libcli11-dev libcereal-dev libsqlite3-dev openssl)
    local compiler=${CXX:-g++} missing=() as_root=() package
    if [[ ${1:-} == --tsan ]]; then
        packages+=(clang-19 libclang-rt-19-dev llvm-19)
        compiler=clang++-19
    fi

    if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
        for package in "${packages[@]}"; do
            if [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
                missing+=("$package")
            fi
        done
        [[ ${#missing[@]} -eq 0 ]] && return 0
        echo "Installing: ${missing[*]}" >&2
        [[ $(id -u) -eq 0 ]] || as_root=(sudo)
        # `env` keeps the variable through sudo.
        if "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update </dev/null &&
            "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
                apt-get install -y --no-install-recommends "${missing[@]}" </dev/null; then
            return 0
        fi
        echo "Could not install: ${missing[*]}" >&2
    fi

    echo "These are the names of the needed packages on Debian 12: ${packages[*]}" >&2
    echo "Checking whether this system has their equivalents ..." >&2
    if ferry_compile_check "$compiler"; then
        echo "It has; going on." >&2
        return 0
    fi
    echo "Needed: $compiler (C++20), CMake 3.25, Ninja, Python 3, Boost 1.81 (headers, test, json," \
        "url), cereal, libcurl and CLI11, with their headers; pkg-config for one of the tests." >&2
    return 1
}
