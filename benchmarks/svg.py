# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Charts as SVG text: bars with limits, and curves."""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 76, 20, 56, 64  # margins around the plot
COLOURS = ("#2868b0", "#e08a1e", "#3c8d5a", "#a03c78")


def nanoseconds(value):
    """`value` ns, short: 1.5 us."""
    for limit, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "us")):
        if value >= limit:
            return f"{value / limit:.3g} {unit}"
    return f"{value:.3g} ns"


class Scale:
    """Puts values on pixels: in proportion from 0, or as a logarithm where they range widely."""

    def __init__(self, values, first, last, log=None):
        values = [v for v in values if v > 0] or [1]
        self.log = max(values) > 20 * min(values) if log is None else log
        self.first, self.last = first, last
        if self.log:
            self.low = math.floor(math.log10(min(values)))
            self.high = max(self.low + 1, math.ceil(math.log10(max(values))))
        else:
            step = 10 ** math.floor(math.log10(max(values)))
            self.step = next(step * k for k in (0.2, 0.5, 1, 2) if max(values) <= 6 * step * k)
            self.low, self.high = 0, self.step * math.ceil(max(values) / self.step)

    def __call__(self, value):
        if self.log:
            value = math.log10(max(value, 10 ** self.low))
        share = (value - self.low) / (self.high - self.low)
        return self.first + share * (self.last - self.first)

    def ticks(self):
        if self.log:
            return [10.0 ** e for e in range(self.low, self.high + 1)]
        return [self.step * i for i in range(round(self.high / self.step) + 1)]


def text(x, y, words, anchor="middle", size=12, colour="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
            f'fill="{colour}">{escape(words)}</text>')


def line(x1, y1, x2, y2, colour, more=""):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'{more}/>')


def page(title, y, y_title, series, body):
    """The parts that every chart has, around `body`."""
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           text(LEFT, 22, title, "start", 15)]
    for tick in y.ticks():
        out.append(line(LEFT, y(tick), WIDTH - RIGHT, y(tick), "#ddd"))
        out.append(text(LEFT - 6, y(tick) + 4, nanoseconds(tick) if tick else "0", "end"))
    out.append(text(LEFT, 40, y_title + (", logarithmic" if y.log else ""), "start", 11, "#666"))
    for i, name in enumerate(series):
        x = WIDTH - RIGHT - 110 * (len(series) - i)
        out.append(f'<rect x="{x}" y="31" width="10" height="10" fill="{COLOURS[i]}"/>')
        out.append(text(x + 15, 40, name, "start"))
    return "\n".join(out + body + ["</svg>", ""])


def bars(title, y_title, series, categories, limits):
    """`categories`: a name and a value for each series (or None); `limits`: label, value, series."""
    values = [v for _, row in categories for v in row if v] + [v for _, v, _ in limits]
    y = Scale(values, HEIGHT - BOTTOM, TOP)
    slot = (WIDTH - LEFT - RIGHT) / max(1, len(categories))
    width = min(46, 0.8 * slot / len(series))
    body = []
    for i, (name, row) in enumerate(categories):
        middle = LEFT + slot * (i + 0.5)
        for j, value in enumerate(row):
            if not value:
                continue
            x = middle + width * (j - len(series) / 2)
            body.append(f'<rect x="{x:.1f}" y="{y(value):.1f}" width="{width - 2:.1f}" '
                        f'height="{HEIGHT - BOTTOM - y(value):.1f}" fill="{COLOURS[j]}"/>')
            body.append(text(x + width / 2 - 1, y(value) - 4, nanoseconds(value), size=10))
        body.append(text(middle, HEIGHT - BOTTOM + 18, name))
    body.append(line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "#222"))
    for i, (label, value, j) in enumerate(limits):
        dash = 'stroke-width="2" stroke-dasharray="7 4"'
        body.append(line(LEFT, y(value), WIDTH - RIGHT, y(value), COLOURS[j], dash))
        body.append(text(LEFT, HEIGHT - 28 + 16 * i, f"- - {label}: {nanoseconds(value)}",
                         "start", colour=COLOURS[j]))
    return page(title, y, y_title, series, body)


def curves(title, y_title, x_title, lines):
    """`lines`: for each name its points (x, y). The x axis is logarithmic."""
    points = [p for row in lines.values() for p in row]
    y = Scale([v for _, v in points], HEIGHT - BOTTOM, TOP)
    x = Scale([v for v, _ in points], LEFT + 20, WIDTH - RIGHT - 20, log=True)
    body = [text(x(tick), HEIGHT - BOTTOM + 18, f"{tick:g}") for tick in x.ticks()]
    body.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 20, x_title))
    for colour, row in zip(COLOURS, lines.values()):
        path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in row)
        body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        body += [f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3" fill="{colour}"/>' for a, b in row]
    return page(title, y, y_title, list(lines), body)
