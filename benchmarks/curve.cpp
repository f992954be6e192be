// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "curve.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <ostream>

namespace {

double highest(std::span<const load_point> points) {
    double best = 0;
    for (const load_point& p : points)
        best = std::max(best, p.throughput);
    return best;
}

/// 1, 2 or 5 times a power of ten, so that four to ten of them reach `top`.
double tick_for(double top) {
    const double power = std::pow(10, std::floor(std::log10(top)));
    return top < 2 * power ? power / 5 : top < 5 * power ? power / 2 : power;
}

constexpr double left = 90;
constexpr double right = 740;
constexpr double top = 50;
constexpr double bottom = 350;

std::ostream& text(std::ostream& out, double x, double y, const char* anchor) {
    return out << "<text x=\"" << x << "\" y=\"" << y << "\" text-anchor=\"" << anchor << "\">";
}
std::ostream& line(std::ostream& out, double x1, double y1, double x2, double y2,
                   const char* style) {
    return out << "<line x1=\"" << x1 << "\" y1=\"" << y1 << "\" x2=\"" << x2 << "\" y2=\"" << y2
               << "\" " << style << "/>\n";
}

} // namespace

void draw_bars(std::ostream& out, std::span<const load_point> points, std::size_t taken) {
    constexpr double width = 60;
    const double best = std::max(highest(points), 1e-9);
    for (const load_point& p : points) {
        const auto length = static_cast<std::size_t>(std::lround(p.throughput / best * width));
        out << std::setw(6) << p.size << " |" << std::string(length, '#')
            << (p.size == taken ? " <-" : "") << '\n';
    }
}

void draw_svg(std::ostream& out, std::span<const load_point> points, std::size_t taken,
              const std::string& title) {
    const double best = std::max(highest(points), 1e-9);
    const double tick = tick_for(best);
    const int ticks = static_cast<int>(std::ceil(best / tick));
    const double first = std::log2(static_cast<double>(points.front().size));
    const double range = std::max(1.0, std::log2(static_cast<double>(points.back().size)) - first);
    const auto x = [&](std::size_t size) {
        return left + 20 +
               (std::log2(static_cast<double>(size)) - first) / range * (right - left - 40);
    };
    const auto y = [&](double throughput) {
        return bottom - throughput / (ticks * tick) * (bottom - top);
    };

    out << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 400\" "
           "font-family=\"sans-serif\" font-size=\"12\">\n"
           "<rect width=\"760\" height=\"400\" fill=\"white\"/>\n";
    text(out, left, 20, "start") << title << "</text>\n";
    text(out, left, 38, "start") << "tasks per second</text>\n";
    for (int i = 0; i <= ticks; ++i) {
        line(out, left, y(i * tick), right, y(i * tick), "stroke=\"#ddd\"");
        text(out, left - 6, y(i * tick) + 4, "end") << i * tick << "</text>\n";
    }
    for (const load_point& p : points)
        text(out, x(p.size), bottom + 18, "middle") << p.size << "</text>\n";
    text(out, (left + right) / 2, bottom + 38, "middle") << "workers</text>\n";
    line(out, x(taken), top, x(taken), bottom, "stroke=\"#e08a1e\" stroke-dasharray=\"7 4\"");
    const bool at_left = x(taken) < (left + right) / 2;
    text(out, x(taken) + (at_left ? 5 : -5), bottom - 8, at_left ? "start" : "end")
        << "take " << taken << "</text>\n";
    out << "<polyline fill=\"none\" stroke=\"#2868b0\" stroke-width=\"2\" points=\"";
    for (const load_point& p : points)
        out << x(p.size) << ',' << y(p.throughput) << ' ';
    out << "\"/>\n</svg>\n";
}
