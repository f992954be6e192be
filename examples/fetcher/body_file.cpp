// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "body_file.hpp"

#include <exception>
#include <utility>

namespace fetcher {
namespace {

constexpr std::size_t most_waiting = 1 << 20;

void write_to(body_file::file& file, std::string_view data) {
    if (auto* named = std::get_if<output_file>(&file))
        named->write(data);
    else
        write_all(std::get<unique_fd>(file).get(), data);
}

} // namespace

body_file::body_file(file into, std::optional<sha256> hash, byte_budget& budget,
                     ferry::thread_pool* writers, std::function<void()> room)
    : budget_(budget), writers_(writers), room_(std::move(room)), file_(std::move(into)),
      hash_(std::move(hash)) {}

body_file::~body_file() { budget_.give_back(taken_); }

void body_file::begin(std::string first, std::size_t taken) {
    const std::lock_guard lock(mutex_);
    hashed_ = first.size();
    waiting_ = std::move(first);
    taken_ = taken;
}

bool body_file::write(std::string_view data) {
    {
        const std::lock_guard lock(mutex_);
        if (error_)
            std::rethrow_exception(error_);
        const bool fits = waiting_.size() + data.size() <= most_waiting;
        if (fits && budget_.take(data.size())) {
            taken_ += data.size();
        } else if (scheduled_ && writers_ != nullptr) {
            paused_ = true;
            return false;
        } // what nobody else makes room for is taken in any case, or nothing would ever go on
        waiting_ += data;
        if (std::exchange(scheduled_, true))
            return true;
    }
    if (writers_ == nullptr) {
        finish();
        return true;
    }
    try {
        writers_->submit({.label = "write a body"},
                         [self = shared_from_this()] { self->write_waiting(); });
    } catch (const std::exception&) { // no thread, or no memory: then by the caller
        finish();
    }
    return true;
}

void body_file::finish() {
    write_waiting();
    const std::lock_guard lock(mutex_);
    if (error_)
        std::rethrow_exception(error_);
}

void body_file::write_waiting() {
    const std::lock_guard file_lock(file_mutex_);
    for (;;) {
        std::string some;
        std::size_t taken = 0, hashed = 0;
        bool failed = false, resume = false;
        {
            const std::lock_guard lock(mutex_);
            some.swap(waiting_);
            taken = std::exchange(taken_, 0);
            hashed = std::exchange(hashed_, 0);
            failed = error_ != nullptr;
            resume = std::exchange(paused_, false);
            if (some.empty())
                scheduled_ = false;
        }
        if (resume && room_)
            room_();
        if (some.empty())
            return;
        try {
            if (hash_)
                hash_->write(std::string_view(some).substr(hashed));
            if (!failed && !abandoned_)
                write_to(file_, some);
        } catch (...) {
            const std::lock_guard lock(mutex_);
            error_ = std::current_exception();
        }
        budget_.give_back(taken);
    }
}

} // namespace fetcher
