// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "slab_memory.hpp"

#include <ferry/detail/assert.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace ferry::detail {

/// A piece of memory, cut into blocks of one size.
///
/// While a slab is open, one thread cuts blocks from it; otherwise it is closed, and nobody does.
/// `word_` holds the list of the blocks that other threads have given back, and how many those are;
/// once it is closed, how many blocks are still in use instead. It is opened and closed under the
/// lock of the store, and so is what happens at a turning point: where a closed slab has got room
/// enough to be opened again, or nobody uses it any more. Whoever gives back a block between those
/// touches the slab no more afterwards, because it may be gone.
///
/// The release in `push` pairs with the acquires in `take_back`, in `open` and of the last to push.
class slab {
public:
    static constexpr std::size_t size = slab_memory::piece;

    /// A block that nobody uses.
    struct spare {
        spare* next;
    };

    explicit slab(std::size_t block_size) noexcept
        : block_size_(static_cast<std::uint32_t>(block_size)),
          blocks_(static_cast<std::uint32_t>((size - front) / block_size)) {
        FERRY_ASSERT(block_size % 8 == 0 && block_size >= sizeof(spare) && blocks_ >= 4);
    }
    slab(const slab&) = delete;
    slab& operator=(const slab&) = delete;

    static slab& of(void* block) noexcept {
        return *static_cast<slab*>(slab_memory::piece_of(block));
    }
    std::byte* begin() noexcept { return reinterpret_cast<std::byte*>(this) + front; }
    std::byte* end() noexcept { return begin() + std::size_t(blocks_) * block_size_; }
    std::size_t block_size() const noexcept { return block_size_; }

    // ---- For any thread.

    /// False, and nothing has happened, where this would be a turning point.
    bool give_back(void* block) noexcept {
        std::uint64_t w = word_.load(std::memory_order_acquire);
        do {
            if (is_turning_point(w))
                return false;
        } while (!push(w, block));
        return true;
    }

    // ---- For the thread that has it open.

    /// What others have given back, if that is worth the while; or null.
    spare* take_back() noexcept {
        if (count_of(word_.load(std::memory_order_relaxed)) < blocks_ / 8)
            return nullptr;
        return list_of(word_.exchange(0, std::memory_order_acquire));
    }

    // ---- Under the lock of the store.

    enum class turn : unsigned char { none, has_room, is_unused };

    /// Gives back a block at what may be a turning point.
    turn give_back_last(void* block) noexcept {
        std::uint64_t w = word_.load(std::memory_order_acquire);
        while (!push(w, block))
            ;
        return turn_of(word_after(w, block));
    }
    /// Its thread has cut all blocks below `fresh`, and keeps none that is spare.
    turn close(std::byte* fresh) noexcept {
        FERRY_ASSERT(fresh >= begin() && fresh <= end());
        fresh_ = fresh;
        const auto cut = static_cast<std::uint64_t>(fresh - begin()) / block_size_;
        std::uint64_t w = word_.load(std::memory_order_relaxed);
        std::uint64_t closed_word = 0;
        do {
            FERRY_ASSERT((w & closed) == 0 && count_of(w) <= cut);
            closed_word = (w & head_mask) | (cut - count_of(w)) * one | closed;
        } while (!word_.compare_exchange_weak(w, closed_word, std::memory_order_acq_rel,
                                              std::memory_order_relaxed));
        return turn_of(closed_word);
    }
    /// Opens it again: gives the blocks that were given back; those from `fresh` on were never cut.
    spare* open(std::byte*& fresh) noexcept {
        FERRY_ASSERT((word_.load() & closed) != 0);
        fresh = fresh_;
        return list_of(word_.exchange(0, std::memory_order_acquire));
    }

    // The store's, under its lock: in a list of those that have room.
    slab* next = nullptr;
    slab* previous = nullptr;
    bool listed = false;

private:
    static constexpr std::size_t front = 64;
    // The offset of the latest block in the list, in units of eight bytes; 0: none.
    static constexpr std::uint64_t head_mask = 0xffff;
    static constexpr std::uint64_t one = 0x10000; // block
    static constexpr std::uint64_t closed = std::uint64_t(1) << 32;

    static std::uint64_t count_of(std::uint64_t w) noexcept { return (w / one) & 0xffff; }
    spare* list_of(std::uint64_t w) noexcept {
        const auto offset = static_cast<std::size_t>(w & head_mask) * 8;
        if (offset == 0)
            return nullptr;
        return std::launder(reinterpret_cast<spare*>(reinterpret_cast<std::byte*>(this) + offset));
    }
    std::uint64_t word_after(std::uint64_t w, void* block) const noexcept {
        const auto offset = reinterpret_cast<std::uintptr_t>(block) & (size - 1);
        const std::uint64_t counted = (w & closed) != 0 ? w - one : w + one;
        return (counted & ~head_mask) | offset / 8;
    }
    bool push(std::uint64_t& w, void* block) noexcept {
        ::new (block) spare{list_of(w)};
        return word_.compare_exchange_weak(w, word_after(w, block), std::memory_order_acq_rel,
                                           std::memory_order_acquire);
    }
    std::uint64_t enough() const noexcept { return blocks_ - blocks_ / 4; } // in use at most
    bool is_turning_point(std::uint64_t w) const noexcept {
        const std::uint64_t used = count_of(w);
        return (w & closed) != 0 && (used == 1 || used == enough() + 1);
    }
    turn turn_of(std::uint64_t w) const noexcept {
        if ((w & closed) == 0 || count_of(w) > enough())
            return turn::none;
        return count_of(w) == 0 ? turn::is_unused : turn::has_room;
    }

    std::atomic<std::uint64_t> word_{0};
    const std::uint32_t block_size_;
    const std::uint32_t blocks_; // how many there are
    std::byte* fresh_ = nullptr; // while it is closed
};
static_assert(sizeof(slab) <= 64 && slab::size / 8 < 0x10000); // `front`, `head_mask`

} // namespace ferry::detail
