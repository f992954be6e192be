// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "progress_writer.hpp"

#include <span>
#include <string>
#include <utility>

namespace ferry::detail {

void progress_writer::begin(const wire::frame_header& task) {
    task_ = task;
    gate_.emplace(worker_report_period);
    set_progress_receiver(this);
}

void progress_writer::end() {
    set_progress_receiver(nullptr);
    if (const auto last = std::exchange(kept_, std::nullopt))
        send(*last);
}

void progress_writer::on_report(double done, std::string_view note) {
    if (home_.is_elsewhere())
        return;
    progress p{done, std::string(note.substr(0, wire::longest_note))};
    kept_.reset();
    if (gate_->opens(progress_gate::clock::now()))
        send(p);
    else
        kept_ = std::move(p);
}

void progress_writer::send(const progress& p) {
    answers_.write_progress(task_, p.done, std::as_bytes(std::span(p.note)));
}

} // namespace ferry::detail
