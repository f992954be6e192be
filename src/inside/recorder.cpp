// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "recorder.hpp"

#include "support/fork_count.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ferry::detail {

using namespace recording;

namespace {

// The file, whose size nobody can change any more; its descriptor stays open, since it is where it
// is found. Zero is a good start for all of it.
recording::layout* make_file() noexcept {
    const int fd = ::memfd_create(file_name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return nullptr;
    void* p = MAP_FAILED;
    if (::ftruncate(fd, sizeof(recording::layout)) == 0 &&
        ::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        p = ::mmap(nullptr, sizeof(recording::layout), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (p == MAP_FAILED) {
        ::close(fd);
        return nullptr;
    }
    static_cast<void>(::madvise(p, sizeof(recording::layout), MADV_DONTDUMP));
    auto* const file = static_cast<recording::layout*>(p);
    file->head.layout_version.store(version);
    file->head.pid.store(static_cast<std::uint32_t>(::getpid()));
    file->head.size.store(sizeof(recording::layout));
    file->head.started_at.store(steady_now());
    file->head.magic_number.store(magic, std::memory_order_release);
    return file;
}

// As much of the text as there is room for, without a part of a character at its end.
void copy_text(char* to, std::size_t room, std::string_view text) noexcept {
    std::size_t n = std::min(text.size(), room - 1);
    if (n < text.size()) {
        while (n != 0 && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80)
            --n;
    }
    text.copy(to, n);
    to[n] = '\0';
}

} // namespace

std::int32_t thread_number() noexcept {
    static thread_local const auto number = static_cast<std::int32_t>(::syscall(SYS_gettid));
    return number;
}

std::uint64_t steady_now() noexcept {
    return static_cast<std::uint64_t>(
        std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

recorder& recorder::instance() noexcept {
    static constinit std::atomic<recorder*> latest{nullptr};
    static constinit std::atomic<unsigned> making{
        0}; // the count of forks, and one, while it is made
    recorder* p = latest.load(std::memory_order_acquire);
    while (p == nullptr || p->forks_ != fork_count()) {
        const unsigned now = fork_count() + 1;
        unsigned before = making.load();
        if (before != now && making.compare_exchange_strong(before, now)) {
            // Outlives what runs at exit. There is no memory for it in the worst case only.
            alignas(recorder) static std::byte room[sizeof(recorder)];
            void* memory = ::operator new(sizeof(recorder), std::nothrow);
            latest.store(::new (memory != nullptr ? memory : room) recorder(now - 1),
                         std::memory_order_release);
        }
        p = latest.load(std::memory_order_acquire);
    }
    return *p;
}

recorder::recorder(unsigned forks) noexcept : file_(make_file()), forks_(forks) {
    if (file_ == nullptr)
        return;
    const scoped_lock lock(mutex_);
    pools_.reset(most_pools);
    workers_.reset(most_workers);
    const scoped_lock lock_nodes(nodes_mutex_);
    nodes_.reset(most_nodes);
}

std::uint32_t recorder::free_list::take() noexcept {
    if (!returned_.empty()) {
        const std::uint32_t n = returned_.back();
        returned_.pop_back();
        return n;
    }
    return used_ < size_ ? ++used_ : 0;
}

void recorder::free_list::give(std::uint32_t number) noexcept {
    try {
        returned_.push_back(number);
    } catch (const std::bad_alloc&) { // it is lost
    }
}

std::uint32_t recorder::add_pool(std::uint32_t kind, const std::string& name,
                                 std::size_t max_workers) noexcept {
    if (file_ == nullptr)
        return 0;
    const scoped_lock lock(mutex_);
    const std::uint32_t number = pools_.take();
    if (number == 0) {
        file_->head.hidden_pools.fetch_add(1, std::memory_order_relaxed);
        return 0;
    }
    auto& p = file_->pools[number - 1];
    p.max_workers.store(static_cast<std::uint32_t>(std::min<std::size_t>(max_workers, UINT32_MAX)));
    p.pushed.store(0);
    p.taken.store(0);
    p.claimed.store(0);
    p.elsewhere.store(0);
    p.events.store(0);
    copy_text(p.name, sizeof p.name, name);
    p.kind.store(kind, std::memory_order_release);
    return number;
}

void recorder::remove_pool(std::uint32_t number) noexcept {
    if (number == 0)
        return;
    const scoped_lock lock(mutex_);
    file_->pools[number - 1].kind.store(pool::unused, std::memory_order_release);
    pools_.give(number);
}

std::uint32_t recorder::add_worker(std::uint32_t pool, std::uint32_t number) noexcept {
    if (pool == 0)
        return 0;
    const scoped_lock lock(mutex_);
    const std::uint32_t record = workers_.take();
    if (record == 0)
        return 0;
    auto& w = file_->workers[record - 1];
    w.number.store(number);
    w.thread.store(0);
    w.task.store(0);
    w.label.store(0);
    w.completed.store(0);
    w.failed.store(0);
    w.pool.store(pool, std::memory_order_release);
    return record;
}

void recorder::remove_worker(std::uint32_t record) noexcept {
    if (record == 0)
        return;
    const scoped_lock lock(mutex_);
    file_->workers[record - 1].pool.store(0, std::memory_order_release);
    workers_.give(record);
}

std::uint32_t recorder::name_of(const task_label& label) noexcept {
    if (file_ == nullptr || label.how == task_label::kind::none)
        return 0;
    std::string_view text = label.text;
    if (label.how == task_label::kind::place)
        text = static_cast<const char*>(label.address);
    else if (label.how == task_label::kind::type)
        text = static_cast<const std::type_info*>(label.address)->name();
    const auto kind = label.how == task_label::kind::text       ? name::text
                      : label.how == task_label::kind::place    ? name::place
                      : label.how == task_label::kind::function ? name::function
                                                                : name::type;
    const auto address =
        static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(label.address));
    char shortened[name::room];
    copy_text(shortened, sizeof shortened, text);
    const std::uint64_t hash = label.hash();
    const scoped_lock lock(names_mutex_);
    const auto [first, last] = known_names_.equal_range(hash);
    for (auto i = first; i != last; ++i) {
        const auto& n = file_->names[i->second - 1];
        if (n.kind.load() == kind && n.line.load() == label.line && n.address.load() == address &&
            std::strcmp(n.characters, shortened) == 0)
            return i->second;
    }
    if (names_ == most_names)
        return 0;
    try {
        known_names_.emplace(hash, names_ + 1);
    } catch (const std::bad_alloc&) {
        return 0;
    }
    auto& n = file_->names[names_];
    std::memcpy(n.characters, shortened, sizeof shortened);
    n.line.store(label.line);
    n.address.store(address);
    n.kind.store(kind, std::memory_order_release);
    return ++names_;
}

std::uint32_t recorder::add_node(std::uint32_t kind, std::uint32_t parent, const void* task,
                                 std::uint32_t pool, const task_label& label) noexcept {
    if (file_ == nullptr)
        return 0;
    const std::uint32_t name = name_of(label);
    std::uint32_t number = 0;
    {
        const scoped_lock lock(nodes_mutex_);
        number = nodes_.take();
    }
    if (number == 0)
        return 0;
    auto& n = file_->nodes[number - 1];
    n.parent.store(parent);
    n.label.store(name);
    n.thread.store(thread_number());
    n.since.store(steady_now());
    n.task.store(reinterpret_cast<std::uintptr_t>(task));
    n.pool.store(pool);
    n.kind.store(kind, std::memory_order_release);
    return number;
}

void recorder::remove_node(std::uint32_t node) noexcept {
    if (file_ == nullptr)
        return; // it belongs to the parent of this process
    file_->nodes[node - 1].kind.store(node::unused, std::memory_order_release);
    const scoped_lock lock(nodes_mutex_);
    nodes_.give(node);
}

void recorder::record(std::uint32_t pool, std::uint32_t kind, const void* task, std::uint32_t label,
                      std::uint64_t at) noexcept {
    auto& p = file_->pools[pool - 1];
    const std::uint64_t n = p.events.fetch_add(1, std::memory_order_relaxed);
    auto& e = file_->events[pool - 1][n % events_of_pool];
    e.at.store(0, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    e.task.store(reinterpret_cast<std::uintptr_t>(task), std::memory_order_release);
    e.label.store(label, std::memory_order_relaxed);
    e.thread.store(thread_number(), std::memory_order_relaxed);
    e.kind.store(kind, std::memory_order_relaxed);
    e.at.store(at, std::memory_order_release);
}

} // namespace ferry::detail
