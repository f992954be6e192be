// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/process/detail/bytes.hpp>

#include "support/annotated_mutex.hpp"
#include "support/descriptor.hpp"
#include "support/home_process.hpp"

#include <atomic>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <vector>

namespace ferry::detail {

/// From how many bytes on a payload travels in a shared mapping.
inline constexpr std::size_t large_payload = std::size_t(64) * 1024;

/// Larger ones than that are let go when they have not been needed for a while.
inline constexpr std::size_t small_segment = std::size_t(1) << 20;

/// What is wrong with a shared mapping that another process announced.
struct bad_segment : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Memory that two processes share: an anonymous file, and its mapping here. The creator writes,
/// the other side reads. Pages stay populated while it is recycled; a fresh one would cost ten
/// times the copy.
class segment {
public:
    /// At the start of the mapping. A pool looks at it only in those that a worker made.
    struct header {
        std::atomic<std::uint32_t> in_use;  ///< set by the creator, cleared by the reader
        std::atomic<std::uint32_t> retired; ///< the creator has let go of it
    };
    static constexpr std::size_t header_size = 64;
    enum class side {
        pool,  ///< nobody else can write to what this one creates, and what it receives is checked
        worker ///< the pool, which is trusted, marks what it has read in what this one creates
    };

    /// A new one. Errors: `std::system_error`.
    segment(std::uint32_t id, std::size_t capacity, side s);
    /// The mapping of another process's. Errors: `bad_segment` where it is not what was announced,
    /// or could shrink while it is read; `std::system_error` where this process is short.
    segment(std::uint32_t id, const descriptor& file, std::size_t capacity, side s);
    /// The mapping of one that a worker has given away, for reading only. It is sealed where its
    /// creator, and everybody else, has let go of it. Errors: likewise.
    struct gift {};
    segment(gift, std::uint32_t id, const descriptor& file, std::size_t capacity);
    ~segment();
    segment(const segment&) = delete;
    segment& operator=(const segment&) = delete;

    std::uint32_t id() const noexcept { return id_; }
    std::size_t capacity() const noexcept { return capacity_; }
    int file() const noexcept { return file_.get(); }
    descriptor take_file() noexcept { return std::move(file_); }
    bool is_gift() const noexcept { return is_gift_; }
    /// Whether nobody can write to it any more, but the pool to one of its own.
    bool is_sealed() const noexcept { return is_sealed_; }
    header& head() const noexcept { return *reinterpret_cast<header*>(memory_); }
    std::byte* data() const noexcept { return memory_ + header_size; }
    /// Makes room for at least so many bytes; the mapping may move. Errors: `std::system_error`.
    void grow(std::size_t at_least);
    /// Says that it is not used any more, and frees its memory where that is possible while others
    /// have it mapped.
    void retire() noexcept;
    /// Lets its creator use it again; not what was given away, which cannot be written to.
    void was_read() noexcept {
        if (!is_gift())
            head().in_use.store(0, std::memory_order_release);
    }
    /// Somebody used so much of it just now.
    void used(std::size_t size) noexcept;

    std::uint32_t owner = 0;         ///< the worker that knows it; 0: nobody
    std::int64_t last_needed_ns = 0; ///< when something small would not have done
    bool lent = false;               ///< to a thread that encodes
    bool surplus = false;            ///< not to be recycled

private:
    const std::uint32_t id_;
    const side side_;
    bool is_gift_ = false;
    bool is_sealed_ = false;
    descriptor file_;
    std::size_t capacity_;
    std::byte* memory_;
};

/// Segments to write to, recycled. Those that one worker knows are never given to another one: what
/// is for one is none of another's business. Thread safety: safe.
class FERRY_DECL segment_store {
public:
    /// At most `lend` are out for encoding at a time, and as many that are not in use are kept.
    segment_store(std::size_t lend, segment::side s);
    explicit segment_store(std::size_t lend) : segment_store(lend, segment::side::pool) {}
    ~segment_store();

    /// One to encode into that nobody reads, of at least that capacity; null where all are out, or
    /// the system gives no more.
    segment_ptr lend(std::size_t at_least) noexcept;
    /// Whether so many are out, or still read, that `lend` gives none however much memory there is.
    bool is_exhausted() noexcept;
    /// One that nobody or only that worker knows. Null where the system gives no more.
    segment_ptr acquire_for(std::uint32_t owner, std::size_t at_least) noexcept;
    /// A copy in one that nobody or only that worker knows. Empty if the system gives no more.
    payload copy_for(std::uint32_t owner, const payload& bytes) noexcept;
    /// It was lent, and is handed on.
    void handed_on(segment& s) noexcept;
    /// Takes it back, of which so much was used; it may still be read while its header says so.
    void release(segment_ptr s, std::size_t used) noexcept;

    /// A large one without use.
    struct let_go {
        std::uint32_t owner = 0;
        std::uint32_t id = 0;
    };
    /// Lets one go that is much larger than what was needed lately; false where there is none.
    bool trim(std::int64_t now_ns, let_go& gone) noexcept;
    /// Lets one go that a worker knew which has ended; false where there is none.
    bool forget(std::uint32_t owner) noexcept;
    /// Whether there is one that `trim` may have to let go one day.
    bool has_large() noexcept;

private:
    static constexpr std::int64_t needed_for_ns = 500'000'000;

    template <class F>
    segment_ptr take(F usable, std::size_t at_least) noexcept FERRY_REQUIRES(mutex_);
    segment_ptr make(std::size_t at_least) noexcept FERRY_EXCLUDES(mutex_);

    const std::size_t most_;
    const segment::side side_;
    const home_process home_;
    annotated_mutex mutex_;
    std::vector<segment_ptr> free_ FERRY_GUARDED_BY(mutex_); // the last one was used last
    std::size_t lent_ FERRY_GUARDED_BY(mutex_) = 0;
    std::uint32_t last_id_ FERRY_GUARDED_BY(mutex_) = 0;
};

/// The segments that one process has received from another, mapped here. Not thread-safe.
class received_segments {
public:
    explicit received_segments(segment::side s) : side_(s) {}
    /// Maps one that was announced, and forgets those that their creator has let go of.
    /// Errors: as the constructor of segment; `bad_segment` where they are too many.
    void add(std::uint32_t id, const descriptor& file, std::size_t capacity);
    /// Null while it has not arrived, or not with that size.
    std::shared_ptr<segment> find(std::uint32_t id, std::size_t size) const;
    void forget(std::uint32_t id) noexcept { known_.erase(id); }
    /// Forgets those that their creator has let go of.
    void forget_retired() noexcept;
    /// Whether there is one that its creator may let go of one day.
    bool has_large() const noexcept;
    /// Forgets one if somebody else has a share of it; false if nobody has.
    bool forget_if_shared(std::uint32_t id) noexcept;

private:
    const segment::side side_;
    std::map<std::uint32_t, std::shared_ptr<segment>> known_;
};

} // namespace ferry::detail
