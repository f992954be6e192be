// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "body_file.hpp"
#include "byte_budget.hpp"
#include "json_check.hpp"
#include "settings.hpp"
#include "sha256.hpp"
#include "unique_fd.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fetcher {

/// The beginning of a body as one short line: of JSON, the blanks outside of texts are left out and
/// everything else, numbers too, is as the server sent it; in other text, blanks are joined.
class extract {
public:
    void write(std::string_view more);
    std::string text() const;

private:
    static constexpr std::size_t width = 60;
    std::array<char, width + 6> text_{}; // one character more than is needed, and a blank before it
    std::size_t size_ = 0;
    bool in_string_ = false;
    bool escaped_ = false;
    bool blank_ = false;
};

/// Where a body goes while it arrives. Small ones stay in memory; large ones, and those for which
/// the budget has nothing left, go to a file at once, so that a body of any size costs little
/// memory. Thread safety: unsafe; one thread at a time.
class body_sink {
public:
    enum class destination { nowhere, memory, file };
    /// `later`: nothing was taken, and the transfer has to pause until there is room.
    enum class verdict { good, later, too_large, not_written };

    /// `writers` write to files; null: the caller does.
    body_sink(const body_settings& settings, byte_budget& budget,
              ferry::thread_pool* writers = nullptr)
        : settings_(settings), budget_(budget), writers_(writers) {}
    ~body_sink() { clear(); }
    body_sink(const body_sink&) = delete;
    body_sink& operator=(const body_sink&) = delete;

    /// Forgets what came before; to be called before each attempt.
    void begin(destination where, std::string root = {}, std::string path = {});
    /// The SHA-256 that it has to have; empty: any. Kept by `begin`.
    void expect(std::string hash) { expected_ = std::move(hash); }
    /// What is called, by any thread, when there is room after `write` said `later`.
    void on_room(std::function<void()> call) { room_ = std::move(call); }
    /// The attempt has failed in a way that makes its body no result: only the extract is kept.
    void demote() { where_ = destination::nowhere; }
    verdict write(std::string_view data);

    std::uint64_t size() const noexcept { return size_; }
    const extract& beginning() const noexcept { return extract_; }
    /// What is wrong with it as JSON; empty when nothing is.
    std::string json_error() { return json_ ? json_->finish() : std::string(); }
    const std::string& error() const noexcept { return error_; }
    /// After `not_written`: whether only a descriptor was missing.
    bool lacked_descriptor() const noexcept { return lacked_descriptor_; }

    /// Whether `store` has something to do.
    bool needs_storing() const noexcept { return where_ == destination::file || file_ != nullptr; }
    /// All is written, and for `destination::file` the file appears, unless the body is not what
    /// was expected. Blocks. Throws `std::system_error`; where only a descriptor was missing, it can be
    /// called again.
    void store();
    /// Once it is complete, and stored if it has to be: its SHA-256 where the settings or `expect`
    /// ask for that; empty otherwise.
    const std::string& hash();
    /// False when something else was expected.
    bool as_expected();
    /// For `destination::memory`: what is held in memory, and the file with what came before it,
    /// if there is one. The body is then empty.
    std::string take_text();
    unique_fd take_file();
    bool spilled() const noexcept { return where_ == destination::memory && file_ != nullptr; }

private:
    void clear();
    void spill();

    const body_settings& settings_;
    byte_budget& budget_;
    ferry::thread_pool* const writers_;
    destination where_ = destination::nowhere;
    std::string root_, path_;
    std::string held_;
    std::size_t taken_ = 0; // of the budget
    std::uint64_t size_ = 0;
    extract extract_;
    std::optional<json_check> json_;
    std::optional<sha256> hash_; // until there is a file, which then goes on with it
    std::string expected_, hash_text_;
    std::shared_ptr<body_file> file_;
    std::function<void()> room_;
    std::string error_;
    bool lacked_descriptor_ = false;
};

} // namespace fetcher
