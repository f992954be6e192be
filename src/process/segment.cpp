// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "segment.hpp"

#include "own_limits.hpp"

#include <ferry/detail/assert.hpp>

#include <algorithm>
#include <chrono>

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace ferry::detail {
namespace {

std::size_t to_pages(std::size_t bytes) {
    constexpr std::size_t page = 4096;
    return (bytes + page - 1) / page * page;
}

std::byte* map(int file, std::size_t size, int protection) {
    void* const at = ::mmap(nullptr, size, protection, MAP_SHARED, file, 0);
    if (at == MAP_FAILED)
        throw std::system_error(errno, std::generic_category(), "mmap of a shared mapping");
    return static_cast<std::byte*>(at);
}

// Populates memory that is about to be written, which costs less than a page fault for each page. A
// kernel that cannot do that leaves the memory as it is.
void populate(std::byte* at, std::size_t size) noexcept {
    constexpr int populate_write = 23; // MADV_POPULATE_WRITE
    const int before = errno;
    ::madvise(at, size, populate_write);
    errno = before;
}

descriptor new_memory() {
    const limits_lifted own;
    return descriptor::checked(::memfd_create("ferry-payload", MFD_CLOEXEC | MFD_ALLOW_SEALING),
                               "memfd_create");
}

void set_size(int file, std::size_t size) {
    const limits_lifted own;
    if (::ftruncate(file, static_cast<off_t>(size)) != 0)
        throw std::system_error(errno, std::generic_category(), "ftruncate of a shared mapping");
}

std::int64_t now_ns() noexcept {
    return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Reading the mapping must never fail, so it must be ordinary memory of that size that cannot
// shrink.
void check(int file, std::size_t capacity) {
    struct ::statfs kind{};
    struct ::stat s{};
    // TMPFS_MAGIC. Huge pages have another number; the system may run out of them at a page fault.
    constexpr auto ordinary_memory = 0x01021994;
    if (::fstatfs(file, &kind) != 0 || kind.f_type != ordinary_memory)
        throw bad_segment("a shared mapping is no memory");
    const int seals = ::fcntl(file, F_GET_SEALS);
    if (seals < 0 || (seals & F_SEAL_SHRINK) == 0)
        throw bad_segment("a shared mapping can shrink");
    if (::fstat(file, &s) != 0 || s.st_size < static_cast<off_t>(segment::header_size) ||
        static_cast<std::size_t>(s.st_size) - segment::header_size < capacity ||
        capacity > std::size_t(1) << 46)
        throw bad_segment("a shared mapping is smaller than announced");
}

} // namespace

segment::segment(std::uint32_t id, std::size_t capacity, side s)
    : id_(id), side_(s), file_(new_memory()),
      capacity_(to_pages(capacity + header_size) - header_size) {
    set_size(file_.get(), capacity_ + header_size);
    // The file must not shrink while it is read, and only this mapping may write to one of a pool.
    // Kernels before 5.1 do not have the latter seal.
    constexpr int future_write = 0x0010; // F_SEAL_FUTURE_WRITE
    ::fcntl(file_.get(), F_ADD_SEALS, F_SEAL_SHRINK);
    memory_ = map(file_.get(), capacity_ + header_size, PROT_READ | PROT_WRITE);
    populate(memory_, capacity_ + header_size);
    // A segment of a worker may be given away, and its receiver seals it then.
    if (s == side::pool) {
        is_sealed_ = ::fcntl(file_.get(), F_ADD_SEALS, future_write) == 0;
        ::fcntl(file_.get(), F_ADD_SEALS, F_SEAL_SEAL);
    }
    last_needed_ns = now_ns();
}

segment::segment(std::uint32_t id, const descriptor& file, std::size_t capacity, side s)
    : id_(id), side_(s), capacity_(capacity) {
    if (s == side::pool)
        check(file.get(), capacity);
    try {
        memory_ = map(file.get(), capacity_ + header_size,
                      s == side::pool ? PROT_READ | PROT_WRITE : PROT_READ);
    } catch (const std::system_error& e) {
        if (e.code().value() == ENOMEM)
            throw;
        throw bad_segment("a shared mapping cannot be mapped");
    }
}

segment::segment(gift, std::uint32_t id, const descriptor& file, std::size_t capacity)
    : id_(id), side_(side::pool), is_gift_(true), capacity_(capacity) {
    check(file.get(), capacity);
    // The kernel refuses this while anybody has a writable mapping.
    is_sealed_ = ::fcntl(file.get(), F_ADD_SEALS,
                         F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
    memory_ = map(file.get(), capacity_ + header_size, PROT_READ);
}

segment::~segment() { ::munmap(memory_, capacity_ + header_size); }

void segment::grow(std::size_t at_least) {
    FERRY_ASSERT(at_least > capacity_);
    const std::size_t to = to_pages(std::max(at_least, 2 * capacity_) + header_size) - header_size;
    set_size(file_.get(), to + header_size);
    void* const at = ::mremap(memory_, capacity_ + header_size, to + header_size, MREMAP_MAYMOVE);
    if (at == MAP_FAILED)
        throw std::system_error(errno, std::generic_category(), "mremap of a shared mapping");
    memory_ = static_cast<std::byte*>(at);
    capacity_ = to;
}

void segment::retire() noexcept {
    head().retired.store(1, std::memory_order_release);
    const std::size_t first = to_pages(header_size);
    if (side_ == side::worker && capacity_ + header_size > first)
        ::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    static_cast<off_t>(first), static_cast<off_t>(capacity_ + header_size - first));
}

void segment::used(std::size_t size) noexcept {
    if (size > capacity_ / 4)
        last_needed_ns = now_ns();
}

// ---- The store ----------------------------------------------------------------------------------

segment_store::segment_store(std::size_t lend, segment::side s) : most_(lend), side_(s) {
    free_.reserve(most_ + 1);
}

segment_store::~segment_store() {
    for (const auto& s : free_)
        s->retire();
}

// Takes the usable segment that was used last among those that are large enough, or the largest if
// none is.
template <class F>
segment_ptr segment_store::take(F usable, std::size_t at_least) noexcept {
    auto best = free_.end();
    for (auto it = free_.begin(); it != free_.end(); ++it) {
        if (usable(**it) &&
            (best == free_.end() || (*it)->capacity() >= std::min(at_least, (*best)->capacity())))
            best = it;
    }
    segment_ptr s;
    if (best != free_.end()) {
        s = std::move(*best);
        free_.erase(best);
    }
    return s;
}

segment_ptr segment_store::make(std::size_t at_least) noexcept {
    std::uint32_t id = 0;
    {
        const annotated_lock lock(mutex_);
        id = ++last_id_;
    }
    try {
        return segment_ptr(new segment(id, std::max(at_least, 2 * large_payload), side_));
    } catch (const std::exception&) {
        return nullptr;
    }
}

segment_ptr segment_store::lend(std::size_t at_least) noexcept {
    segment_ptr s;
    {
        const annotated_lock lock(mutex_);
        FERRY_ASSERT(lent_ <= most_);
        if (lent_ == most_)
            return nullptr;
        ++lent_; // reserved, so that other threads do not exceed the limit meanwhile
        s = take(
            [this](const segment& f) {
                return side_ == segment::side::pool ||
                       f.head().in_use.load(std::memory_order_acquire) == 0;
            },
            at_least);
        if (s == nullptr && side_ == segment::side::worker && free_.size() + lent_ > most_) {
            --lent_; // the pool still reads all of them
            return nullptr;
        }
    }
    if (s == nullptr)
        s = make(at_least);
    try {
        if (s != nullptr && s->capacity() < at_least)
            s->grow(at_least);
    } catch (const std::exception&) {
        s->retire();
        s.reset();
    }
    if (s != nullptr) {
        s->lent = true;
        return s;
    }
    const annotated_lock lock(mutex_);
    --lent_;
    return nullptr;
}

bool segment_store::is_exhausted() noexcept {
    const annotated_lock lock(mutex_);
    return lent_ >= most_ || (side_ == segment::side::worker && lent_ + free_.size() >= most_);
}

segment_ptr segment_store::acquire_for(std::uint32_t owner, std::size_t at_least) noexcept {
    segment_ptr s;
    {
        const annotated_lock lock(mutex_);
        s = take(
            [owner, at_least](const segment& f) {
                return (f.owner == owner || f.owner == 0) && f.capacity() >= at_least;
            },
            at_least);
    }
    if (s == nullptr)
        s = make(at_least);
    return s;
}

payload segment_store::copy_for(std::uint32_t owner, const payload& bytes) noexcept {
    segment_ptr mine = acquire_for(owner, bytes.size());
    if (mine == nullptr)
        return {};
    mine->owner = owner; // so that no other worker is given it
    std::memcpy(mine->data(), bytes.bytes().data(), bytes.size());
    if (segment* const before = bytes.shared())
        before->surplus = true; // it was for another worker, which will not need it again
    return {std::move(mine), bytes.size(), *this};
}

void segment_store::handed_on(segment& s) noexcept {
    if (!std::exchange(s.lent, false))
        return;
    const annotated_lock lock(mutex_);
    FERRY_ASSERT(lent_ != 0);
    --lent_;
}

void segment_store::release(segment_ptr s, std::size_t used) noexcept {
    if (home_.is_elsewhere()) {
        static_cast<void>(s.release());
        return;
    }
    FERRY_ASSERT(used <= s->capacity());
    handed_on(*s);
    s->used(used);
    segment_ptr surplus;
    {
        const annotated_lock lock(mutex_);
        if (s->surplus) {
            surplus = std::move(s);
        } else if (free_.size() == free_.capacity()) { // not in a worker, which makes no more
            surplus = std::move(free_.front());
            free_.erase(free_.begin());
        }
        if (s != nullptr)
            free_.push_back(std::move(s));
    }
    if (surplus != nullptr)
        surplus->retire();
}

bool segment_store::trim(std::int64_t now, let_go& gone) noexcept {
    segment_ptr s;
    {
        const annotated_lock lock(mutex_);
        s = take(
            [now, this](const segment& f) {
                return f.capacity() > small_segment && now - f.last_needed_ns >= needed_for_ns &&
                       (side_ == segment::side::pool || f.head().in_use.load() == 0);
            },
            0);
    }
    if (s == nullptr)
        return false;
    gone = {s->owner, s->id()};
    s->retire();
    return true;
}

bool segment_store::forget(std::uint32_t owner) noexcept {
    segment_ptr s;
    {
        const annotated_lock lock(mutex_);
        s = take([owner](const segment& f) { return f.owner == owner; }, 0);
    }
    return s != nullptr;
}

bool segment_store::has_large() noexcept {
    const annotated_lock lock(mutex_);
    return std::any_of(free_.begin(), free_.end(),
                       [](const auto& s) { return s->capacity() > small_segment; });
}

void segment_deleter::operator()(segment* s) const noexcept { delete s; }

// ---- Received ones ------------------------------------------------------------------------------

void received_segments::add(std::uint32_t id, const descriptor& file, std::size_t capacity) {
    constexpr std::size_t most = 16; // a worker uses four
    auto s = std::make_shared<segment>(id, file, capacity, side_);
    forget_retired();
    if (side_ == segment::side::pool && known_.size() >= most)
        throw bad_segment("a worker announced too many shared mappings");
    known_[id] = std::move(s);
}

std::shared_ptr<segment> received_segments::find(std::uint32_t id, std::size_t size) const {
    const auto it = known_.find(id);
    return it != known_.end() && it->second->capacity() >= size ? it->second : nullptr;
}

void received_segments::forget_retired() noexcept {
    std::erase_if(known_, [](const auto& known) {
        return known.second->head().retired.load(std::memory_order_acquire) != 0;
    });
}

bool received_segments::has_large() const noexcept {
    return std::any_of(known_.begin(), known_.end(),
                       [](const auto& known) { return known.second->capacity() > small_segment; });
}

bool received_segments::forget_if_shared(std::uint32_t id) noexcept {
    const auto it = known_.find(id);
    if (it == known_.end() || it->second.use_count() == 1) {
        // Orders what is done next behind the reading by those who had a share before.
        std::atomic_thread_fence(std::memory_order_acquire);
        return false;
    }
    known_.erase(it);
    return true;
}

} // namespace ferry::detail
