// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "transfer_many.hpp"

#include "easy_transfer.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

namespace fetcher {
namespace {

/// What a worker has while it is inside `transfer_many`.
class transfer_loop {
public:
    transfer_loop(transfer_channel& channel, slot_count& slots, const transfer_settings& settings)
        : channel_(channel), multi_(channel.multi()), slots_(slots), settings_(settings),
          share_(curl_share_init(), curl_share_cleanup) {
        if (share_ == nullptr)
            throw std::runtime_error("curl_share_init failed");
        curl_share_setopt(share_.get(), CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
        curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, settings.max_connections);
        curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    }
    ~transfer_loop() {
        for (const auto& [handle, each] : active_)
            curl_multi_remove_handle(multi_, handle);
    }
    transfer_loop(const transfer_loop&) = delete;
    transfer_loop& operator=(const transfer_loop&) = delete;

    void add(std::vector<job_ptr>& more) {
        for (auto& each : more)
            reserve_.push_back(std::move(each));
    }

    /// Starts what there are slots for. False when there was nothing to start.
    bool start_some() {
        bool started = false;
        while (!reserve_.empty() && slots_.try_take()) {
            start(std::move(reserve_.front()));
            reserve_.pop_front();
            started = true;
        }
        return started;
    }

    void start(job_ptr what) {
        if (spare_.empty())
            spare_.push_back(std::make_unique<easy_transfer>(settings_, share_.get(), channel_));
        auto next = std::move(spare_.back());
        spare_.pop_back();
        next->begin(std::move(what));
        curl_multi_add_handle(multi_, next->handle());
        active_.emplace(next->handle(), std::move(next));
    }

    void resume(const std::vector<CURL*>& paused) {
        for (CURL* const each : paused)
            if (active_.count(each) > 0)
                curl_easy_pause(each, CURLPAUSE_CONT);
    }

    /// Goes on with all transfers as far as possible; those that ended are added to `done`.
    void perform(std::vector<job_ptr>& done) {
        int running = 0;
        curl_multi_perform(multi_, &running);
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
            if (message->msg != CURLMSG_DONE)
                continue;
            const CURLcode code = message->data.result; // gone with the handle
            auto ended = take(message->easy_handle);
            done.push_back(ended->end(code));
            spare_.push_back(std::move(ended));
        }
    }

    void cancel_reserve(std::vector<job_ptr>& done) {
        for (auto& each : reserve_) {
            each->cancelled = true;
            each->why = failure::gave_up;
            done.push_back(std::move(each));
        }
        reserve_.clear();
    }

    void cancel_all(std::vector<job_ptr>& done) {
        cancel_reserve(done);
        while (!active_.empty())
            done.push_back(take(active_.begin()->first)->cancel());
    }

    bool idle() const noexcept { return active_.empty() && reserve_.empty(); }
    /// Whether there is enough to go on with for a while without hearing from the event loop.
    bool well_stocked() const noexcept { return reserve_.size() >= well_stocked_; }

private:
    std::unique_ptr<easy_transfer> take(CURL* handle) {
        curl_multi_remove_handle(multi_, handle);
        slots_.give_back();
        return std::move(active_.extract(handle).mapped());
    }

    static constexpr std::size_t well_stocked_ = 8;

    transfer_channel& channel_;
    CURLM* const multi_;
    slot_count& slots_;
    const transfer_settings& settings_;
    const std::unique_ptr<CURLSH, CURLSHcode (*)(CURLSH*)> share_;
    std::unordered_map<CURL*, std::unique_ptr<easy_transfer>> active_;
    std::vector<std::unique_ptr<easy_transfer>> spare_;
    std::deque<job_ptr> reserve_;
};

} // namespace

void transfer_many(std::stop_token stop, transfer_channel& channel, slot_count& slots,
                   result_inbox& inbox, const transfer_settings& settings) {
    using clock = std::chrono::steady_clock;
    constexpr int longest_wait = 60'000; // libcurl's own timers and wake-ups end it earlier
    constexpr std::chrono::milliseconds longest_delay{2};
    constexpr std::size_t most_delayed = 64;
    const std::stop_callback on_stop(stop, [&] { channel.abort(); });
    transfer_loop loop(channel, slots, settings);
    std::vector<job_ptr> done;
    clock::time_point told; // when results were handed over last
    for (;;) {
        auto orders = channel.take();
        loop.add(orders.jobs);
        loop.resume(orders.resumed);
        if (orders.abort)
            loop.cancel_all(done);
        else if (orders.drain)
            loop.cancel_reserve(done);
        loop.start_some();
        loop.perform(done);
        // The places of those that are done are taken before anybody is told.
        const bool more = !done.empty() && loop.start_some();
        // Some results at a time, as long as nobody waits for them: each wakes the event loop.
        const bool delay = loop.well_stocked() && done.size() < most_delayed && !orders.drain &&
                           clock::now() - told < longest_delay;
        if (!delay && !done.empty()) {
            inbox.put(done);
            told = clock::now();
        }
        if (loop.idle() && (orders.finish || orders.abort))
            return;
        if (!more && channel.try_sleep()) {
            const int wait = done.empty() ? longest_wait : static_cast<int>(longest_delay.count());
            curl_multi_poll(channel.multi(), nullptr, 0, wait, nullptr);
        }
    }
}

curl_library::curl_library() {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        throw std::runtime_error("curl_global_init failed");
}

curl_library::~curl_library() { curl_global_cleanup(); }

} // namespace fetcher
