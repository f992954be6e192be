// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

#include <cstdint>
#include <utility>

namespace ferry::detail {

class shared_state_base;

/// What waits, for readers outside: a coroutine's scope, one of its children, or a wait for a task.
enum class wait_kind : std::uint32_t {
    run = 1,
    gather,
    group,
    wait_for,
    context,
    child,
    await,
    blocked
};

/// The innermost node that the calling thread works for; 0 where that is not known.
extern FERRY_DECL constinit thread_local std::uint32_t current_wait_node;

/// A node of the tree that `ferry pstree` draws, as long as it lives. Without a record it does
/// nothing.
class FERRY_DECL wait_node {
public:
    wait_node() noexcept = default;
    /// Below the node that the calling thread works for.
    explicit wait_node(wait_kind kind) noexcept : wait_node(kind, current_wait_node, nullptr) {}
    wait_node(wait_kind kind, std::uint32_t parent, const shared_state_base* task) noexcept;
    wait_node(wait_node&& o) noexcept : number_(std::exchange(o.number_, 0)) {}
    wait_node& operator=(wait_node&& o) noexcept {
        std::swap(number_, o.number_);
        return *this;
    }
    ~wait_node() {
        if (number_ != 0)
            remove();
    }

    std::uint32_t number() const noexcept { return number_; }
    /// The coroutine goes on that waited here for a task.
    void resumed() noexcept {
        if (number_ != 0)
            record_resumption();
    }

private:
    void remove() noexcept;
    void record_resumption() noexcept;

    std::uint32_t number_ = 0;
};

/// Makes a node the current one for a while.
class wait_node_scope {
public:
    explicit wait_node_scope(std::uint32_t node) noexcept
        : outer_(std::exchange(current_wait_node, node)) {}
    ~wait_node_scope() { current_wait_node = outer_; }
    wait_node_scope(const wait_node_scope&) = delete;
    wait_node_scope& operator=(const wait_node_scope&) = delete;

private:
    const std::uint32_t outer_;
};

} // namespace ferry::detail
