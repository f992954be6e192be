// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Searches the text of all pages and comments. The field of Doxygen knows names and titles only;
// Enter in it comes here. `textIndex` is written by tools/docs: [title, address, text] each.
"use strict";

function textMatches(words) {
    const found = [];
    for (const [title, address, text] of window.textIndex || []) {
        const head = title.toLowerCase(), body = text.toLowerCase();
        let score = 0;
        const all = words.every((word) => {
            const inHead = head.includes(word);
            const times = body.split(word).length - 1;
            score += (inHead ? 20 : 0) + Math.min(times, 5);
            return inHead || times > 0;
        });
        if (all)
            found.push({ title, address, text, score });
    }
    return found.sort((a, b) => b.score - a.score).slice(0, 40);
}

function showTextMatches(query) {
    const words = query.toLowerCase().split(/\s+/).filter((word) => word);
    const list = document.getElementById("text-results");
    list.replaceChildren();
    if (words.length === 0)
        return;
    const matches = textMatches(words);
    for (const match of matches) {
        const link = document.createElement("a");
        link.href = match.address;
        link.textContent = match.title;
        const at = Math.max(0, match.text.toLowerCase().indexOf(words[0]) - 80);
        const excerpt = document.createElement("div");
        excerpt.textContent = (at > 0 ? "… " : "") + match.text.substr(at, 240) + " …";
        const item = document.createElement("p");
        item.append(link, excerpt);
        list.append(item);
    }
    if (matches.length === 0)
        list.textContent = "Nothing has all of these words.";
}

document.addEventListener("DOMContentLoaded", () => {
    const field = document.getElementById("MSearchField");
    if (field) {
        field.title = "Names and titles as you type; Enter searches all text";
        field.addEventListener("keydown", (event) => {
            if (event.key === "Enter" && field.value.trim() !== "") {
                event.stopImmediatePropagation();
                event.preventDefault();
                location.href = "text_search.html?q=" + encodeURIComponent(field.value);
            }
        }, true);
    }
    const own = document.getElementById("text-query");
    if (own) {
        own.value = new URLSearchParams(location.search).get("q") || "";
        own.addEventListener("input", () => showTextMatches(own.value));
        showTextMatches(own.value);
        own.focus();
    }
});
