// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/delivery.hpp>

namespace ferry::detail {

boost::asio::execution_context::id delivery_service::id;

namespace {

thread_local abandoned_calls* current_calls = nullptr;

} // namespace

abandoned_calls* abandoned_calls::current() noexcept {
    return current_calls;
}
abandoned_calls::scope::scope(abandoned_calls* calls) noexcept
    : outer_(std::exchange(current_calls, calls)) {}
abandoned_calls::scope::~scope() {
    current_calls = outer_;
}

/// Ended deliveries on their way to their handlers; shares ownership of them. Runs a few of them
/// and leaves the rest to another one, so that other handlers and other threads get their turn.
struct delivery_batch {
    static constexpr std::size_t size = 16;

    delivery_batch(std::shared_ptr<delivery_registry> h, delivery* f) noexcept
        : home(std::move(h)), first(f) {}
    delivery_batch(delivery_batch&& o) noexcept
        : home(std::move(o.home)), first(std::exchange(o.first, nullptr)), left(o.left) {}
    ~delivery_batch() {
        while (delivery* d = pop()) {
            d->drop();
            d->release();
        }
    }

    delivery* pop() noexcept {
        delivery* const d = first;
        if (d != nullptr)
            first = d->next_mail_;
        return d;
    }

    void collect() noexcept {
        delivery* mail = home->mail_.exchange(nullptr, std::memory_order_acq_rel);
        while (mail != nullptr) // newest first: turn it round
            first = std::exchange(mail, std::exchange(mail->next_mail_, first));
    }

    /// Cuts off what exceeds one batch.
    delivery_batch split() noexcept {
        delivery* last = first;
        for (std::size_t n = 1; n < size && last != nullptr; ++n)
            last = last->next_mail_;
        return {home, last != nullptr ? std::exchange(last->next_mail_, nullptr) : nullptr};
    }

    void operator()() {
        if (first == nullptr)
            collect();
        delivery_batch rest = split();
        const bool more = rest.first != nullptr;
        home->post(std::move(rest));
        if (!left)
            home->leave(first);
        left = true;
        // What a handler throws goes to whoever runs the context, as with any handler; the others
        // are not lost.
        struct remainder {
            delivery_batch& batch;
            ~remainder() { batch.home->post(std::move(batch)); }
        } const guard{*this};
        while (delivery* d = pop())
            d->complete();
        if (!more && home->look_for_mail()) {
            left = false;
            collect(); // for `guard`, so that other handlers run before
        }
    }

    std::shared_ptr<delivery_registry> home;
    delivery* first;
    bool left = false; // they are in their registry's list no more
};

bool delivery::end(ending how) noexcept {
    if (ended_.exchange(true, std::memory_order_acq_rel))
        return false;
    how_ = how;
    return true;
}

void delivery::bring_home() {
    registry_->bring(*this);
}

void delivery::enroll(boost::asio::io_context* io) {
    registry_->add(*this, io);
}

void delivery_registry::add(delivery& d, boost::asio::io_context* io) {
    short_lock lock(mutex_);
    if (closed_) {
        lock.unlock();
        d.drop();
        return;
    }
    intrusive_ptr_add_ref(&d);
    d.next_ = first_;
    if (first_ != nullptr)
        first_->prev_ = &d;
    first_ = &d;
    if (d.by_mail_) {
        const std::size_t others = mailed_.load(std::memory_order_relaxed);
        mailed_.store(others + 1, std::memory_order_relaxed);
        if (others == 0) {
            io_.store(io);
            work_.emplace(io->get_executor());
        }
    }
}

// The caller gets the list's share.
void delivery_registry::unlink(delivery& d) noexcept {
    (d.prev_ != nullptr ? d.prev_->next_ : first_) = d.next_;
    if (d.next_ != nullptr)
        d.next_->prev_ = d.prev_;
    d.next_ = d.prev_ = nullptr;
    d.release(); // never the last: mail and `bring` have one
    if (d.by_mail_) {
        const std::size_t others = mailed_.load(std::memory_order_relaxed) - 1;
        mailed_.store(others, std::memory_order_relaxed);
        if (others == 0)
            work_.reset();
    }
}

// From a successful one to `end_posting` neither the context nor this goes.
bool delivery_registry::begin_posting() {
    const short_lock lock(mutex_);
    if (closed_)
        return false;
    ++posting_;
    return true;
}

void delivery_registry::end_posting() {
    const short_lock lock(mutex_);
    if (--posting_ == 0 && closed_)
        idle_.notify_all();
}

// The delivery, and what it holds of the registry, may be gone from where it is handed over.
void delivery_registry::bring(delivery& d) {
    if (d.by_mail_) {
        bring_mail(d);
        return;
    }
    {
        short_lock lock(mutex_);
        if (closed_) {
            lock.unlock();
            d.release();
            return;
        }
        unlink(d);
        ++posting_;
    }
    d.post();
    end_posting();
}

void delivery_registry::bring_mail(delivery& d) {
    brought_on_.store(this_processor(), std::memory_order_relaxed);
    bool posting = false;
    delivery* head = mail_.load(std::memory_order_relaxed);
    do {
        if (head == nullptr && !posting)
            posting = begin_posting(); // where it fails, there is no more mail soon
        if (head == no_more_mail()) {
            d.release();
            if (posting)
                end_posting();
            return;
        }
        d.next_mail_ = head == expected_mail() ? nullptr : head;
    } while (!mail_.compare_exchange_weak(head, &d, std::memory_order_acq_rel));
    if (!posting)
        return;
    if (head == nullptr)
        boost::asio::post(io_.load()->get_executor(), delivery_batch(shared_from_this(), nullptr));
    end_posting();
}

void delivery_registry::leave(delivery* first) {
    const short_lock lock(mutex_);
    for (; first != nullptr; first = first->next_mail_)
        unlink(*first);
}

// Where the calls that are under way share this processor, lets them go on before the context goes
// to sleep, so that they need not wake it one by one (measured: 1000 coroutines offloading in turn
// take half the time). True where mail has come.
bool delivery_registry::look_for_mail() noexcept {
    if (mailed_.load(std::memory_order_relaxed) == 0 ||
        brought_on_.load(std::memory_order_relaxed) != this_processor())
        return false;
    delivery* none = nullptr;
    if (!mail_.compare_exchange_strong(none, expected_mail(), std::memory_order_acq_rel))
        return false; // whoever brought that posted a drain
    static_cast<void>(yield_());
    delivery* still = expected_mail();
    return !mail_.compare_exchange_strong(still, nullptr, std::memory_order_acq_rel);
}

void delivery_registry::post(delivery_batch batch) {
    if (batch.first != nullptr)
        boost::asio::post(io_.load()->get_executor(), std::move(batch));
}

void delivery_registry::close() {
    delivery* mail = mail_.exchange(no_more_mail(), std::memory_order_acq_rel);
    delivery* orphans = nullptr;
    {
        short_lock lock(mutex_);
        closed_ = true;
        while (posting_ != 0)
            idle_.wait(lock);
        orphans = std::exchange(first_, nullptr);
        work_.reset();
    }
    while (orphans != nullptr) {
        delivery* const d = std::exchange(orphans, orphans->next_);
        d->drop();
        d->release();
    }
    while (mail != nullptr)
        std::exchange(mail, mail->next_mail_)->release();
}

} // namespace ferry::detail
