// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_deadlines.hpp"

#include <algorithm>

namespace ferry::detail {
namespace {

using purpose = deadline::purpose;

deadline unarmed(purpose what, std::uint32_t worker, std::uint16_t slot = 0) noexcept {
    return {.what = what, .worker = worker, .slot = slot};
}

} // namespace

worker_deadlines::worker_deadlines(std::uint32_t worker) noexcept
    : grace(unarmed(purpose::grace, worker)), idle(unarmed(purpose::idle, worker)),
      standard_error(unarmed(purpose::standard_error, worker)),
      answers(unarmed(purpose::answers, worker)) {
    for (std::uint16_t slot = 0; slot < wire::slot_count; ++slot) {
        run_time[slot] = unarmed(purpose::run_time, worker, slot);
        stop_grace[slot] = unarmed(purpose::stop_grace, worker, slot);
    }
}

void worker_deadlines::remove(std::uint16_t slot) noexcept {
    deadline_list::remove(run_time[slot]);
    deadline_list::remove(stop_grace[slot]);
}

void worker_deadlines::remove_all() noexcept {
    for (std::uint16_t slot = 0; slot < wire::slot_count; ++slot)
        remove(slot);
    for (auto* const d : {&grace, &idle, &standard_error, &answers})
        deadline_list::remove(*d);
}

bool worker_deadlines::any_armed() const noexcept {
    const auto is_armed = [](const deadline& d) { return deadline_list::contains(d); };
    return std::ranges::any_of(run_time, is_armed) || std::ranges::any_of(stop_grace, is_armed) ||
           is_armed(grace) || is_armed(idle) || is_armed(standard_error) || is_armed(answers);
}

} // namespace ferry::detail
