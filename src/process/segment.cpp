// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "segment.hpp"

#include <algorithm>

#include <sys/mman.h>
#include <sys/stat.h>

namespace ferry::detail {
namespace {

std::size_t to_pages(std::size_t bytes) {
    constexpr std::size_t page = 4096;
    return (bytes + page - 1) / page * page;
}

std::byte* map(int file, std::size_t size) {
    void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (at == MAP_FAILED)
        throw std::system_error(errno, std::generic_category(), "mmap of a shared mapping");
    return static_cast<std::byte*>(at);
}

void set_size(int file, std::size_t size) {
    if (::ftruncate(file, static_cast<off_t>(size)) != 0)
        throw std::system_error(errno, std::generic_category(), "ftruncate of a shared mapping");
}

} // namespace

segment::segment(std::uint32_t id, std::size_t capacity)
    : id_(id),
      file_(descriptor::checked(::memfd_create("ferry-payload", MFD_CLOEXEC | MFD_ALLOW_SEALING),
                                "memfd_create")),
      capacity_(to_pages(capacity + header_size) - header_size) {
    set_size(file_.get(), capacity_ + header_size);
    // It never shrinks under who reads it.
    ::fcntl(file_.get(), F_ADD_SEALS, F_SEAL_SHRINK);
    memory_ = map(file_.get(), capacity_ + header_size);
}

segment::segment(std::uint32_t id, descriptor file, std::size_t capacity)
    : id_(id), file_(std::move(file)), capacity_(capacity) {
    struct ::stat s {};
    if (::fstat(file_.get(), &s) != 0 || static_cast<std::size_t>(s.st_size) < header_size ||
        static_cast<std::size_t>(s.st_size) - header_size < capacity)
        throw std::system_error(EPROTO, std::generic_category(),
                                "a shared mapping is smaller than announced");
    memory_ = map(file_.get(), capacity_ + header_size);
}

segment::~segment() { ::munmap(memory_, capacity_ + header_size); }

void segment::grow(std::size_t at_least) {
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
    if (capacity_ + header_size > first)
        ::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    static_cast<off_t>(first), static_cast<off_t>(capacity_ + header_size - first));
}

segment_store::~segment_store() {
    for (const auto& s : free_)
        s->retire();
}

segment_ptr segment_store::acquire(std::size_t at_least) {
    segment_ptr s;
    std::uint32_t id = 0;
    {
        const std::lock_guard lock(mutex_);
        // The last one used that is large enough, else the largest.
        auto best = free_.end();
        for (auto it = free_.begin(); it != free_.end(); ++it) {
            if ((*it)->head().in_use.load(std::memory_order_acquire) != 0)
                continue;
            if (best == free_.end() || (*it)->capacity() >= std::min(at_least, (*best)->capacity()))
                best = it;
        }
        if (best != free_.end()) {
            s = std::move(*best);
            free_.erase(best);
        } else {
            id = ++last_id_;
        }
    }
    if (s == nullptr)
        return segment_ptr(new segment(id, std::max(at_least, 2 * large_payload)));
    if (s->capacity() < at_least)
        s->grow(at_least);
    return s;
}

void segment_store::release(segment_ptr s) noexcept {
    std::vector<segment_ptr> surplus;
    {
        const std::lock_guard lock(mutex_);
        try {
            free_.push_back(std::move(s));
        } catch (...) {
            return; // freed
        }
        std::size_t bytes = 0;
        for (const auto& f : free_)
            bytes += f->capacity();
        for (auto it = free_.begin();
             it != free_.end() && (free_.size() > keep_ || bytes > keep_bytes);) {
            if ((*it)->head().in_use.load(std::memory_order_acquire) != 0 ||
                std::next(it) == free_.end()) {
                ++it;
                continue;
            }
            bytes -= (*it)->capacity();
            surplus.push_back(std::move(*it));
            it = free_.erase(it);
        }
    }
    for (const auto& f : surplus)
        f->retire();
}

void segment_deleter::operator()(segment* s) const noexcept { delete s; }

void received_segments::add(std::uint32_t id, descriptor file, std::size_t capacity) {
    auto s = std::make_shared<segment>(id, std::move(file), capacity);
    std::erase_if(known_, [](const auto& known) {
        return known.second->head().retired.load(std::memory_order_acquire) != 0;
    });
    known_[id] = std::move(s);
}

std::shared_ptr<segment> received_segments::find(std::uint32_t id, std::size_t size) const {
    const auto it = known_.find(id);
    return it != known_.end() && it->second->capacity() >= size ? it->second : nullptr;
}

// ---- Payloads -----------------------------------------------------------------------------------

payload::payload(std::span<const std::byte> bytes) : size_(bytes.size()) {
    if (!bytes.empty()) {
        heap_ = std::make_unique_for_overwrite<std::byte[]>(bytes.size());
        std::copy(bytes.begin(), bytes.end(), heap_.get());
    }
}

payload::payload(segment_ptr s, std::size_t size, segment_store& home) noexcept
    : segment_(std::move(s)), home_(&home), size_(size) {}

payload::~payload() {
    if (segment_ != nullptr)
        home_->release(std::move(segment_));
}

std::span<const std::byte> payload::bytes() const noexcept {
    return {segment_ != nullptr ? segment_->data() : heap_.get(), size_};
}

byte_sink::~byte_sink() {
    if (segment_ != nullptr)
        store_->release(std::move(segment_));
}

void byte_sink::grow(std::size_t more) {
    const std::size_t used = size();
    if (more > std::size_t(1) << 46)
        throw std::length_error("a value of " + std::to_string(more) +
                                " bytes cannot be sent to another process");
    const std::size_t wanted = used + more;
    if (wanted < large_payload) {
        const std::size_t room = std::min(std::max(wanted, 2 * used), large_payload);
        auto larger = std::make_unique_for_overwrite<std::byte[]>(room);
        std::memcpy(larger.get(), begin_, used);
        heap_ = std::move(larger);
        begin_ = heap_.get();
        end_ = begin_ + room;
    } else if (segment_ == nullptr) {
        segment_ = store_->acquire(wanted);
        std::memcpy(segment_->data(), begin_, used);
        heap_.reset();
    } else {
        segment_->grow(wanted);
    }
    if (segment_ != nullptr) {
        begin_ = segment_->data();
        end_ = begin_ + segment_->capacity();
    }
    at_ = begin_ + used;
}

payload byte_sink::finish() {
    const std::size_t used = size();
    payload p = segment_ != nullptr && used >= large_payload
                    ? payload(std::move(segment_), used, *store_)
                    : payload(bytes());
    if (segment_ != nullptr)
        store_->release(std::move(segment_));
    heap_.reset();
    begin_ = at_ = room_;
    end_ = room_ + sizeof room_;
    return p;
}

std::string byte_source::get_string() {
    const auto size = get<std::uint64_t>();
    return std::string(take(size), size);
}

void byte_source::fail_short(std::size_t wanted) const {
    throw std::runtime_error("the encoded value is torn: " + std::to_string(wanted) +
                             " more bytes or elements are announced, and " +
                             std::to_string(remaining()) + " bytes are left");
}

void put_string(byte_sink& out, const std::string& text) {
    out.put(static_cast<std::uint64_t>(text.size()));
    out.write(text.data(), text.size());
}

} // namespace ferry::detail
