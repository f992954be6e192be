// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process/detail/bytes.hpp>

#include "segment.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>

#include <sys/mman.h>

namespace ferry::detail {

payload::payload(std::span<const std::byte> bytes) : size_(bytes.size()) {
    if (!bytes.empty()) {
        heap_ = std::make_unique_for_overwrite<std::byte[]>(bytes.size());
        std::copy(bytes.begin(), bytes.end(), heap_.get());
    }
}

payload::payload(std::unique_ptr<std::byte[]> bytes, std::size_t size) noexcept
    : heap_(std::move(bytes)), size_(size) {}

payload::payload(segment_ptr s, std::size_t size, segment_store& home) noexcept
    : segment_(std::move(s)), home_(&home), size_(size) {}

payload::~payload() {
    if (segment_ != nullptr)
        home_->release(std::move(segment_), size_);
}

segment_ptr payload::give_away() noexcept {
    home_->handed_on(*segment_);
    return std::move(segment_);
}

std::span<const std::byte> payload::bytes() const noexcept {
    return {segment_ != nullptr ? segment_->data() : heap_.get(), size_};
}

byte_sink::~byte_sink() {
    if (segment_ != nullptr)
        store_->release(std::move(segment_), size());
}

void byte_sink::grow(std::size_t more) {
    const std::size_t used = size();
    if (more > std::size_t(1) << 46)
        throw std::length_error("a value of " + std::to_string(more) +
                                " bytes cannot be sent to another process");
    const std::size_t wanted = used + more;
    if (segment_ == nullptr && wanted >= large_payload && !refused_) {
        segment_ = store_->lend(wanted);
        refused_ = segment_ == nullptr;
        if (!refused_) {
            std::memcpy(segment_->data(), begin_, used);
            heap_.reset();
        }
    } else if (segment_ != nullptr) {
        try {
            segment_->grow(wanted);
        } catch (const std::system_error&) {
            refused_ = true; // the system is short of shared memory, so the heap is used
        }
    }
    if (segment_ != nullptr && !refused_) {
        begin_ = segment_->data();
        end_ = begin_ + segment_->capacity();
    } else {
        const std::size_t room = std::max(wanted, 2 * used);
        auto larger = std::make_unique_for_overwrite<std::byte[]>(room);
        std::memcpy(larger.get(), begin_, used);
        if (segment_ != nullptr)
            store_->release(std::move(segment_), used);
        heap_ = std::move(larger);
        begin_ = heap_.get();
        end_ = begin_ + room;
    }
    at_ = begin_ + used;
}

payload byte_sink::finish() {
    const std::size_t used = size();
    payload p;
    if (segment_ != nullptr && used >= large_payload)
        p = payload(std::move(segment_), used, *store_);
    else if (heap_ != nullptr && used >= large_payload)
        p = payload(std::move(heap_), used);
    else
        p = payload(bytes());
    if (segment_ != nullptr)
        store_->release(std::move(segment_), used);
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
    throw std::runtime_error("the encoded value is truncated: " + std::to_string(wanted) +
                             " more bytes or elements are announced, and " +
                             std::to_string(remaining()) + " bytes are left");
}

void put_string(byte_sink& out, const std::string& text) {
    out.put(static_cast<std::uint64_t>(text.size()));
    out.write(text.data(), text.size());
}

void about_to_fill(void* at, std::size_t size) noexcept {
    constexpr std::uintptr_t page = 4096;
    const auto begin = (reinterpret_cast<std::uintptr_t>(at) + page - 1) / page * page;
    const auto end = (reinterpret_cast<std::uintptr_t>(at) + size) / page * page;
    const int before = errno; // the advice may fail, which changes nothing
    if (end > begin)
        ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
    errno = before;
}

} // namespace ferry::detail
