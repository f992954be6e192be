# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
# Sourced by what builds. Defines setup_packages [package...] and without_services command...

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

# The name of a package without the version of Boost in it, which other releases of a system have.
ferry_without_version() {
    sed -E 's/1\.[0-9]+-dev$/-dev/; s/--/-/' <<<"$1"
}

# Whether a package is installed, with any version of Boost in its name.
ferry_is_installed() {
    local states
    states=$(dpkg-query -W -f='${db:Status-Status}\n' "$1" "${1/1.81/1.[0-9][0-9]}" \
        "$(ferry_without_version "$1")" 2>/dev/null) || true # not all three are there
    grep -qx installed <<<"$states"
}

# Runs a command while no package that it installs may start a service.
without_services() {
    local policy=/usr/sbin/policy-rc.d as_root=() status=0
    [[ $(id -u) -eq 0 ]] || as_root=(sudo)
    if [[ -e $policy ]]; then
        "$@"
        return
    fi
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod +x "$policy"
    "$@" || status=$?
    "${as_root[@]}" rm "$policy"
    return "$status"
}

# Installs what the build needs, and the packages that are named; or explains what is missing and returns 1.
setup_packages() {
    local packages=("$@" g++ cmake ninja-build pkg-config python3 libboost1.81-dev libboost-test1.81-dev
        libboost-context1.81-dev libboost-json1.81-dev libboost-url1.81-dev libcurl4-openssl-dev
        libcli11-dev libcereal-dev libsqlite3-dev openssl)
    local compiler=${CXX:-g++} missing=() names=() as_root=() package

    if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
        for package in "${packages[@]}"; do
            ferry_is_installed "$package" || missing+=("$package")
        done
        [[ ${#missing[@]} -eq 0 ]] && return 0
        echo "Installing: ${missing[*]}" >&2
        [[ $(id -u) -eq 0 ]] || as_root=(sudo)
        # `env` keeps the variable through sudo.
        if "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update </dev/null; then
            # apt installs nothing if it does not know one of the names.
            for package in "${missing[@]}"; do
                [[ -n $(apt-cache madison "$package" 2>/dev/null) ]] ||
                    package=$(ferry_without_version "$package")
                names+=("$package")
            done
            "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
                apt-get install -y --no-install-recommends "${names[@]}" </dev/null && return 0
        fi
        echo "Could not install: ${names[*]:-${missing[*]}}" >&2
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
