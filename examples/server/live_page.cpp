// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "live_page.hpp"

namespace server {

const char* const live_page = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ferry server</title>
<link rel="icon" href="data:,">
<style>
:root {
    color-scheme: light dark;
    --page: #f6f7f9; --card: #fff; --text: #1a1d21; --soft: #545b64; --line: #d5dae0;
    --busy: #1f6feb; --idle: #a9c7f5; --wait: #b35900; --bad: #b42318; --good: #18723a;
}
@media (prefers-color-scheme: dark) {
    :root {
        --page: #14171b; --card: #1d2127; --text: #e8eaed; --soft: #a8b0ba; --line: #353b44;
        --busy: #6aa5ff; --idle: #2d4a75; --wait: #f0a04b; --bad: #ff8a80; --good: #6fd08c;
    }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 70rem; background: var(--page); color: var(--text);
       font: 1rem/1.45 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; }
h1 { font-size: 1.35rem; margin: 0; }
h2 { font-size: 1.05rem; margin: 0 0 .5rem; }
#status { font-weight: 600; }
#status.on { color: var(--good); }
#status.off { color: var(--bad); }
.cards { display: grid; gap: 1rem; margin-top: 1rem;
         grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem;
        min-width: 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem;
           margin: 1rem 0 0; }
.figures div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
               padding: .5rem .8rem; }
dt { color: var(--soft); font-size: .85rem; }
dd { margin: 0; font-size: 1.4rem; font-variant-numeric: tabular-nums; }
.bar { display: flex; height: 1.1rem; border-radius: .25rem; overflow: hidden; margin: .15rem 0 .5rem;
       border: 1px solid var(--line); }
.bar span { height: 100%; }
.busy { background: var(--busy); } .idle { background: var(--idle); } .wait { background: var(--wait); }
.words { font-size: .9rem; color: var(--soft); font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .95rem; }
th, td { text-align: right; padding: .15rem .25rem; border-top: 1px solid var(--line); font-weight: 400; }
th:first-child, td:first-child { text-align: left; }
thead th { border-top: 0; color: var(--soft); font-size: .85rem; }
svg { display: block; width: 100%; height: 5rem; }
polyline { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; }
ul { margin: 0; padding-left: 1.1rem; }
.bad { color: var(--bad); }
</style>
</head>
<body>
<header>
<h1>Ferry server</h1>
<span id="status" class="off" role="status">connecting</span>
<span class="words" id="uptime"></span>
</header>
<main>
<dl class="figures">
<div><dt>requests a second</dt><dd id="rate">&ndash;</dd></div>
<div><dt>refused a second</dt><dd id="refused">&ndash;</dd></div>
<div><dt>requests in all</dt><dd id="requests">&ndash;</dd></div>
<div><dt>connections</dt><dd id="connections">&ndash;</dd></div>
<div><dt>loop lag, median</dt><dd id="lag50">&ndash;</dd></div>
<div><dt>loop lag, 99 %</dt><dd id="lag99">&ndash;</dd></div>
</dl>
<section class="cards" id="pools" aria-label="Pools"></section>
<section class="cards">
<div class="card"><h2>The last minute</h2>
<svg viewBox="0 0 60 100" preserveAspectRatio="none" role="img" aria-labelledby="graph">
<polyline id="line-rate" stroke="var(--busy)"/><polyline id="line-refused" stroke="var(--bad)" stroke-dasharray="4 2"/>
</svg>
<div class="words" id="graph"></div></div>
<div class="card"><h2>Worker processes</h2>
<table><thead><tr><th scope="col">PID</th><th scope="col">age</th><th scope="col">memory</th></tr></thead>
<tbody id="workers"></tbody></table></div>
<div class="card"><h2>Stuck calls</h2>
<div class="words">those that have been running for more than a second, by label</div>
<table><thead><tr><th scope="col">label</th><th scope="col">calls</th><th scope="col">oldest</th></tr></thead>
<tbody id="calls"></tbody></table></div>
<div class="card"><h2>What happened</h2>
<ul id="events" role="log"><li>the page was opened</li></ul></div>
</section>
</main>
<script>
"use strict";
const at = id => document.getElementById(id);
const say = (id, text) => { if (at(id).textContent !== text) at(id).textContent = text; };

function time(seconds) {
    if (seconds === 0) return "–";
    if (seconds < 0.001) return Math.round(seconds * 1e6) + " µs";
    if (seconds < 1) return +(seconds * 1e3).toPrecision(2) + " ms";
    if (seconds < 120) return +seconds.toPrecision(3) + " s";
    return seconds < 7200 ? Math.round(seconds / 60) + " min" : Math.round(seconds / 3600) + " h";
}
const size = bytes => (bytes / 1048576).toFixed(1) + " MiB";

function make(name, attributes, ...content) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...content);
    return made;
}

function bar(label, ...parts) {
    return make("div", {class: "bar", role: "img", "aria-label": label},
                ...parts.map(([kind, share]) => {
                    const part = make("span", {class: kind});
                    part.style.width = 100 * Math.min(share, 1) + "%";
                    return part;
                }));
}

function pool(seen) {
    const idle = seen.workers - seen.running;
    const workers = `${seen.running} running, ${idle} idle, of at most ${seen.max_workers}`;
    const queue = `${seen.queued} waiting` + (seen.max_queue ? `, of at most ${seen.max_queue}` : "");
    const row = (name, of) => make("tr", {}, make("th", {scope: "row"}, name),
                                   make("td", {}, time(of.p50)), make("td", {}, time(of.p99)));
    const head = make("tr", {}, ...["last 10 s", "median", "99 %"].map(
        text => make("th", {scope: "col"}, text)));
    return make("div", {class: "card", "data-pool": seen.name}, make("h2", {}, seen.name),
        make("div", {class: "words"}, workers),
        bar(workers, ["busy", seen.running / seen.max_workers], ["idle", idle / seen.max_workers]),
        make("div", {class: "words"}, queue),
        bar(queue, ["wait", seen.queued / (seen.max_queue || Math.max(seen.queued, 1))]),
        make("table", {}, make("thead", {}, head),
             make("tbody", {}, row("waits", seen.wait), row("runs", seen.run))),
        make("div", {class: "words"},
             `${seen.completed} completed, ${seen.failed} failed, ${seen.cancelled} cancelled`));
}

function rows(id, found, none) {
    at(id).replaceChildren(...(found.length ? found : [none]).map(
        cells => make("tr", {}, ...cells.map(cell => make("td", {}, cell)))));
}

function event(text) {
    at("events").prepend(make("li", {}, new Date().toLocaleTimeString() + " " + text));
    while (at("events").children.length > 8) at("events").lastChild.remove();
}

let last = null;
let pids = new Set();
const history = [];

function show(seen) {
    if (last !== null && seen.started !== last.started) { // another server has taken its place
        event("the server was started again");
        last = null;
        pids = new Set();
        history.length = 0;
    }
    if (last !== null && seen.time > last.time) {
        const passed = seen.time - last.time;
        const rate = (seen.requests - last.requests) / passed;
        const refused = (seen.refused - last.refused) / passed;
        say("rate", rate.toFixed(1));
        say("refused", refused.toFixed(1));
        history.push([rate, refused]);
        if (history.length > 60) history.shift();
        const most = Math.max(1, ...history.map(each => each[0]));
        ["line-rate", "line-refused"].forEach((id, which) => at(id).setAttribute("points",
            history.map((each, n) => `${60 - history.length + n},${98 - 96 * each[which] / most}`).join(" ")));
        say("graph", `requests a second (line) and those refused (dashes); the highest was ${most.toFixed(1)}`);
    }
    say("requests", String(seen.requests));
    say("connections", String(seen.connections));
    say("lag50", time(seen.loop_lag.p50));
    say("lag99", time(seen.loop_lag.p99));
    say("uptime", "running for " + time(Math.max(seen.time, 1)));
    at("pools").replaceChildren(...seen.pools.map(pool));

    rows("workers", seen.workers.map(each => [String(each.pid), time(Math.max(each.age, 0.1)), size(each.memory)]),
         ["none is running", "", ""]);
    const now = new Set(seen.workers.map(each => each.pid));
    if (last !== null) {
        for (const pid of pids) if (!now.has(pid)) event(`worker process ${pid} is gone`);
        for (const pid of now) if (!pids.has(pid)) event(`worker process ${pid} was started`);
    }
    pids = now;

    const stuck = new Map();
    for (const each of seen.calls.filter(call => call.age > 1)) {
        const [calls, age] = stuck.get(each.label) || [0, 0];
        stuck.set(each.label, [calls + 1, Math.max(age, each.age)]);
    }
    rows("calls", [...stuck].map(([label, [calls, age]]) => [label, String(calls), time(age)]), ["none", "", ""]);
    last = seen;
}

function connect() {
    const source = new EventSource("/events");
    source.onopen = () => { say("status", "live"); at("status").className = "on"; };
    source.onmessage = message => show(JSON.parse(message.data));
    source.onerror = () => {
        if (at("status").className === "on") event("the connection was lost");
        at("status").className = "off";
        say("status", "not connected; trying again");
        // The browser tries again by itself, unless the answer was an error such as 503.
        if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
    };
}
connect();
</script>
</body>
</html>
)html";

} // namespace server
