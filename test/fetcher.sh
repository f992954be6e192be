#!/usr/bin/env bash
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
# The fetcher as a whole program: what it prints and how it exits. Usage: fetcher.sh PATH-TO-FETCHER
set -euo pipefail
fetcher=$1
here=$(dirname "${BASH_SOURCE[0]}")
scratch=$(mktemp -d)
server=
failures=0
unset http_proxy all_proxy ALL_PROXY

stop_server() {
    [[ -z $server ]] || kill -KILL "$server"
    server=
}

clean_up() {
    stop_server
    rm -rf "$scratch"
}
trap clean_up EXIT

# Starts fetcher_server.py instead of the one before: its process in $server, its URL in $url.
start_server() {
    local port
    stop_server
    mkfifo "$scratch/port"
    python3 "$here/fetcher_server.py" >"$scratch/port" &
    server=$!
    disown "$server"
    read -r -t 20 port <"$scratch/port"
    rm "$scratch/port"
    url=http://127.0.0.1:$port
}

fail() {
    printf '%s\n' "$@"
    failures=$((failures + 1))
}

# Puts the exit code of the fetcher in $code, what it prints in $out and $err.
run_fetcher() {
    code=0
    timeout 20 "$fetcher" "$@" >"$scratch/out" 2>"$scratch/err" || code=$?
    out=$(<"$scratch/out")
    err=$(<"$scratch/err")
}

# Runs the fetcher beside the script: its process in $pid, what it prints to be read from 3.
start() {
    coproc run { exec timeout 20 "$fetcher" "$@" 2>&1; }
    exec 3<&"${run[0]}"
    # shellcheck disable=SC2154 # coproc sets it
    pid=$run_PID
    out=
}

# The next N lines of it, appended to $out.
read_lines() {
    local n line
    for ((n = 0; n < $1; ++n)); do
        IFS= read -r line <&3 || break
        out+=$line$'\n'
    done
}

# The rest of it, and its exit code, in $out and $code.
finish() {
    out+=$(cat <&3)
    code=0
    wait "$pid" || code=$?
}

# expect EXIT-CODE PATTERN ARGUMENT...: the code, and the pattern somewhere in the output.
expect() {
    local want=$1 pattern=$2
    shift 2
    run_fetcher "$@"
    [[ $code == "$want" && $out == *$pattern* && -z $err ]] ||
        fail "fetcher $*: exit code $code, not $want, or no '$pattern' in:" "$out" "$err"
}

# refuses TEXT ARGUMENT...: one line that contains the text on standard error, and nothing else.
refuses() {
    local text=$1
    shift
    run_fetcher "$@"
    [[ $code == 2 && -z $out && $err == *"$text"* && $err != *$'\n'* ]] ||
        fail "fetcher $*: exit code $code, not 2, or not one line with '$text':" "$out" "$err"
}

# seen N: how many requests the server has had is N, this one included.
seen() {
    expect 0 "\"requests\":$1}" "$url/seen"
}

start_server

# Nothing is started for a command line that cannot be used.
refuses "'5-1'" --base-url "$url/ok" 5-1
refuses "'1-2-3'" --base-url "$url/ok" 1-2-3
refuses "'-5'" --base-url "$url/ok" -5
refuses "'18446744073709551616'" --base-url "$url/ok" 18446744073709551616
refuses "'1-100001'" --base-url "$url/ok" 1-100001
refuses "'foo'" --base-url "$url/ok" 1 foo
refuses "'1 2'" --base-url "$url/ok" $'1\n2'
refuses "--base-url" 1-3
refuses "'foo'" --base-url foo 1
refuses "'$url/?a=b'" --base-url "$url/?a=b" 1
refuses "'ftp://x'" "$url/ok" ftp://x
refuses "'http://'" "$url/ok" http://
refuses "'http://h:0/'" "$url/ok" http://h:0/
refuses "'http://h:99999/'" "$url/ok" http://h:99999/
refuses "'http://h:1x/'" "$url/ok" http://h:1x/
refuses "'http://a,b/'" "$url/ok" http://a,b/
refuses "--jobs" --jobs 0 "$url/ok"
refuses "--jobs" --jobs 257 "$url/ok"
refuses "--timeout" --timeout nan "$url/ok"
refuses "--timeout" --timeout 0 "$url/ok"
refuses "--timeout" "$url/ok" --timeout
refuses "--total-timeout" --total-timeout soon "$url/ok"
refuses "--retries" --retries -1 "$url/ok"
refuses "--backoff" --backoff inf "$url/ok"
refuses "--user-agent" --user-agent $'a\nb' "$url/ok"
refuses "--no-such-option" --no-such-option "$url/ok"
refuses "--retries" --demo --retries 1
refuses "'5'" --demo 5
refuses "nothing to fetch"
seen 1

# Each result as it arrives, and the summary.
expect 0 "[[]1/1] 7 200 *ms 1 attempt fetch_0 {" --base-url "$url/ok" 7
expect 0 "[[]20/20] *succeeded: 20 of 20*average: * ms*total: *.* s" --base-url "$url/ok" 1-20
expect 0 "succeeded: 4 of 4" --base-url "$url/ok/" 1,3-4 "$url/ok"
expect 0 '"agent":"ferry-fetcher/1.0"' "$url/ok"
expect 0 '"agent":"other/2"' --user-agent other/2 "$url/ok"
expect 1 "succeeded: 2 of 3*failed: 1*  $url/404: HTTP 404" --base-url "$url/ok" 1-2 "$url/404"
expect 1 "invalid JSON" "$url/text"
expect 0 "Usage: fetcher" --help

# At most N at a time, and that many; a worker keeps its connection.
expect 0 '[[]9/9] *{"most":3}' --jobs 3 --base-url "$url/together" 1-9
start_server
expect 0 '{"connections":1,' --jobs 1 --base-url "$url/ok" 1-29 "$url/seen"

# What is tried again, how often, and when.
start_server
expect 1 "1 attempt *HTTP 404" --retries 3 "$url/404"
seen 2
expect 1 "3 attempts *HTTP 503" --backoff 0.01 --retries 2 "$url/503"
seen 6
expect 0 "200 *ms 3 attempts" --backoff 0.01 --retries 2 "$url/flaky"
expect 0 "200 *ms 2 attempts" --backoff 0.01 --retries 1 "$url/dropped"
expect 0 "200 *ms 2 attempts" --backoff 0.01 --retries 1 --timeout 1 "$url/late"
expect 0 '{"doubling":true}' --backoff 0.1 --retries 3 "$url/backoff"

# Timeouts and connections that do not come about.
expect 1 "- *ms 2 attempts *timed out" --timeout 0.1 --backoff 0.01 --retries 1 "$url/silent"
expect 1 "succeeded: 1 of 3*failed: 2*  2: gave up: the total timeout expired" \
    --total-timeout 1 --base-url "$url/silent" 1-2 "$url/ok"
expect 1 "succeeded: 0 of 2*  2: Couldn't connect" --base-url http://127.0.0.1:1 --retries 0 1-2
expect 1 "resolve host" --retries 0 http://no..host/ # no name server is asked for an empty label

# A server that dies midway: in the middle of an answer, ...
expect 1 "3 of 6*failed: 3*/dies: Transferred a partial file*/ok/5: [A-Z]*/ok/6: Couldn't connect" \
    --jobs 1 --retries 0 --base-url "$url/ok" 1-3 "$url/dies" "$url/ok/5" "$url/ok/6"
server=

# ... and with requests unanswered, others not even sent.
start_server
start --jobs 5 --retries 1 --backoff 0.01 --timeout 600 --base-url "$url/three" 1-20
read_lines 3
stop_server
finish
reported=$(grep -cE '^  [0-9]+: (Server returned nothing|Failure when receiving|Couldn.t connect)' \
    <<<"$out") || true
[[ $code == 1 && $out == *"[20/20] "*"succeeded: 3 of 20"*"failed: 17"* && $reported == 17 ]] ||
    fail "after the server's death: exit code $code, not 1, or not 17 failures with reasons in:" \
        "$out"

# Ctrl-C as soon as the first result is there: a partial summary soon, and 130.
start_server
start --timeout 600 --base-url "$url/silent" "$url/ok" 1-20
read_lines 1
kill -INT "$pid"
finish
[[ $code == 130 && $out == *"succeeded: 1 of 21"*"not finished: 20"*"interrupted"* ]] ||
    fail "after Ctrl-C: exit code $code, not 130, or no partial summary in:" "$out"

# The demonstration, in less than ten seconds.
expect 0 "total: [0-9].*every outcome is the one the server was told to give" --demo

[[ $failures == 0 ]]
