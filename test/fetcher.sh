#!/usr/bin/env bash
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
# The fetcher as a whole program: what it prints and how it exits. Usage: fetcher.sh PATH-TO-FETCHER
set -u
fetcher=$1
failures=0

# expect EXIT-CODE TEXT ARGUMENT...: the code, and the text somewhere in the output.
expect() {
    local code=$1 text=$2 out rc
    shift 2
    out=$(timeout 20 "$fetcher" "$@" 2>&1)
    rc=$?
    if [ "$rc" != "$code" ] || [[ $out != *"$text"* ]]; then
        printf 'fetcher %s: exit code %s, not %s, or no "%s" in:\n%s\n' "$*" "$rc" "$code" "$text" "$out"
        failures=$((failures + 1))
    fi
}

expect 2 "'5-1'" 5-1
expect 2 "'foo'" foo
expect 2 "'ftp://x'" ftp://x
expect 2 "--jobs" --jobs 0 --base-url http://127.0.0.1:1 1
expect 2 "--timeout" --timeout nan --base-url http://127.0.0.1:1 1
expect 2 "--base-url" 1-3
expect 2 "--no-such-option" --no-such-option
expect 1 "succeeded: 0 of 2" --base-url http://127.0.0.1:1 --retries 0 1-2
expect 1 "resolve host" --retries 0 http://no-such-host.invalid/
expect 0 "every outcome is the one the server was told to give" --demo

# Ctrl-C, as soon as the first result is there: a partial summary, and 130.
coproc run { exec "$fetcher" --demo 2>&1; }
exec 3<&"${run[0]}"
pid=$run_PID
IFS= read -r first <&3
kill -INT "$pid"
rest=$(cat <&3)
wait "$pid"
rc=$?
if [ "$rc" != 130 ] || [[ $rest != *"not finished"* ]]; then
    printf 'after Ctrl-C: exit code %s, not 130, or no partial summary in:\n%s\n%s\n' "$rc" "$first" "$rest"
    failures=$((failures + 1))
fi

[ "$failures" = 0 ]
