// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "json_check.hpp"
#include "output_path.hpp"
#include "settings.hpp"
#include "unique_fd.hpp"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fetcher {

/// Bytes that all bodies together may hold in memory. Thread safety: safe.
class byte_budget {
public:
    explicit byte_budget(std::uint64_t bytes) : left_(static_cast<std::int64_t>(bytes)) {}

    /// False, and nothing is taken, when there are not as many left.
    bool take(std::size_t bytes) noexcept;
    void give_back(std::size_t bytes) noexcept { left_ += static_cast<std::int64_t>(bytes); }

private:
    std::atomic<std::int64_t> left_;
};

/// The beginning of a body as one short line: of JSON, the blanks outside of texts are left out and
/// everything else, numbers too, is as the server sent it; in other text, blanks are joined.
class extract {
public:
    void write(std::string_view more);
    std::string text() const;

private:
    static constexpr std::size_t width = 60;
    std::string text_;
    bool in_string_ = false;
    bool escaped_ = false;
    bool blank_ = false;
};

/// Where a body goes while it arrives. Small ones stay in memory; large ones, and those for which
/// the budget has nothing left, go to a file at once, so that a body of any size costs little memory.
/// Thread safety: unsafe; one thread at a time.
class body_sink {
public:
    enum class destination { nowhere, memory, file };
    enum class verdict { good, too_large, not_written };

    body_sink(const body_settings& settings, byte_budget& budget)
        : settings_(settings), budget_(budget) {}
    ~body_sink() { clear(); }
    body_sink(const body_sink&) = delete;
    body_sink& operator=(const body_sink&) = delete;

    /// Forgets what came before; to be called before each attempt.
    void begin(destination where, std::string root = {}, std::string path = {});
    /// The attempt has failed in a way that makes its body no result: only the extract is kept.
    void demote() { where_ = destination::nowhere; }
    verdict write(std::string_view data);

    std::uint64_t size() const noexcept { return size_; }
    const extract& beginning() const noexcept { return extract_; }
    /// What is wrong with it as JSON; empty when nothing is.
    std::string json_error() { return json_ ? json_->finish() : std::string(); }
    const std::string& error() const noexcept { return error_; }

    /// For `destination::file`: the file appears. Blocks. Throws `std::system_error`.
    void store();
    /// For `destination::memory`: what is held in memory, and the file with what came before it,
    /// if there is one. The body is then empty.
    std::string take_text();
    unique_fd take_file();
    bool spilled() const noexcept { return static_cast<bool>(spill_); }

private:
    void clear();
    void spill();

    const body_settings& settings_;
    byte_budget& budget_;
    destination where_ = destination::nowhere;
    std::string root_, path_;
    std::string held_;
    std::size_t taken_ = 0; // of the budget
    std::uint64_t size_ = 0;
    extract extract_;
    std::optional<json_check> json_;
    std::optional<output_file> file_;
    unique_fd spill_;
    std::string error_;
};

} // namespace fetcher
