// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/resilience/circuit_breaker.hpp>

#include "circuit.hpp"
#include "inside/observed.hpp"

#include <ferry/unhandled.hpp>

#include <ostream>
#include <sstream>

namespace ferry {

using detail::call_outcome;
using detail::circuit;
using detail::scoped_lock;

std::ostream& operator<<(std::ostream& out, circuit_state state) {
    switch (state) {
    case circuit_state::closed: return out << "closed";
    case circuit_state::open: return out << "open";
    case circuit_state::half_open: return out << "half-open";
    }
    return out << "unknown";
}

circuit_breaker::circuit_breaker(circuit_breaker_options options)
    : circuit_(std::make_unique<circuit>(options)) {}
circuit_breaker::~circuit_breaker() = default;

circuit_state circuit_breaker::state() const {
    const scoped_lock lock(mutex_);
    return circuit_->state(circuit::clock::now());
}

template <class Step>
void circuit_breaker::take(Step step) {
    scoped_lock lock(mutex_);
    const circuit_state before = circuit_->entered();
    step(circuit::clock::now());
    const circuit_state after = circuit_->entered();
    if (before != after && after == circuit_state::open)
        ++opened_;
    if (before == after || hook_ == nullptr)
        return;
    untold_.push_back({before, after});
    tell(lock);
}

void circuit_breaker::tell(scoped_lock& lock) {
    if (telling_)
        return; // whoever does goes on with this one
    telling_ = true;
    while (!untold_.empty()) {
        const change next = untold_.front();
        untold_.pop_front();
        auto hook = hook_;
        lock.unlock();
        try {
            if (hook)
                (*hook)(next.from, next.to);
        } catch (...) {
            const std::exception_ptr error = std::current_exception();
            if (error == nullptr) { // no C++ exception: the thread is being ended
                lock.lock();
                telling_ = false; // the next change is told with what is left
                throw;
            }
            detail::report_unhandled(error);
        }
        hook.reset(); // this may be the last to hold it
        lock.lock();
    }
    telling_ = false;
}

bool circuit_breaker::allow() {
    bool allowed = false;
    take([&](auto now) FERRY_REQUIRES(mutex_) {
        allowed = circuit_->admit_unnamed(now);
        rejected_ += allowed ? 0 : 1;
    });
    return allowed;
}

void circuit_breaker::record_success() { report_unnamed(call_outcome::success); }
void circuit_breaker::record_failure() { report_unnamed(call_outcome::failure); }
void circuit_breaker::record_cancelled() { report_unnamed(call_outcome::cancelled); }

void circuit_breaker::report_unnamed(call_outcome how) {
    take([&](auto now) FERRY_REQUIRES(mutex_) { circuit_->report_unnamed(how, now); });
}

circuit::pass circuit_breaker::admit() {
    std::optional<circuit::pass> pass;
    circuit::clock::duration retry_after{};
    take([&](auto now) FERRY_REQUIRES(mutex_) {
        pass = circuit_->admit(now);
        if (!pass) {
            retry_after = circuit_->retry_after(now);
            ++rejected_;
        }
    });
    if (!pass)
        throw circuit_open_error(retry_after);
    return *pass;
}

void circuit_breaker::report(const circuit::pass& pass, call_outcome how) {
    take([&](auto now) FERRY_REQUIRES(mutex_) { circuit_->report(pass, how, now); });
}

void circuit_breaker::on_state_change(change_hook hook) {
    std::shared_ptr<const change_hook> next;
    if (hook)
        next = std::make_shared<const change_hook>(std::move(hook));
    {
        const scoped_lock lock(mutex_);
        hook_.swap(next);
    }
    // The previous one is destroyed here, without the lock.
}

namespace detail {

circuit_call::circuit_call(circuit_breaker& breaker, call_outcome at_end)
    : breaker_(breaker), pass_(breaker.admit()), at_end_(at_end) {}

circuit_call::~circuit_call() noexcept(false) {
    if (!reported_)
        report(at_end_);
}

void circuit_call::failed(const std::exception_ptr& error) {
    if (!reported_)
        report(error == nullptr || is_cancellation(error) ? call_outcome::cancelled
                                                          : call_outcome::failure);
}

void circuit_call::report(call_outcome how) {
    reported_ = true;
    breaker_.report(pass_, how);
}

} // namespace detail

/// What metrics tell of the breakers of a registry.
class circuit_breaker_registry::view final : public detail::observed {
public:
    explicit view(circuit_breaker_registry& of) : of_(of) {
        detail::observed_list::instance().add(*this);
    }
    ~view() { detail::observed_list::instance().remove(*this); }

    void read(detail::all_figures& to) override {
        auto& figures = to.breakers.emplace_back();
        const scoped_lock lock(of_.mutex_);
        for (const auto& [key, breaker] : of_.breakers_) {
            const scoped_lock lock_breaker(breaker->mutex_);
            std::ostringstream state;
            state << breaker->circuit_->state(circuit::clock::now());
            figures.push_back({key, std::move(state).str(), breaker->rejected_, breaker->opened_});
        }
    }

private:
    circuit_breaker_registry& of_;
};

circuit_breaker_registry::circuit_breaker_registry(circuit_breaker_options options)
    : options_(options), view_(new view(*this)) {
    static_cast<void>(detail::circuit(options_)); // refuses what cannot be used
}

circuit_breaker_registry::~circuit_breaker_registry() = default;

std::shared_ptr<circuit_breaker> circuit_breaker_registry::get(std::string_view key) {
    const scoped_lock lock(mutex_);
    auto at = breakers_.lower_bound(key);
    if (at == breakers_.end() || at->first != key)
        at = breakers_.emplace_hint(at, std::string(key),
                                    std::make_shared<circuit_breaker>(options_));
    return at->second;
}

bool circuit_breaker_registry::erase(std::string_view key) {
    std::shared_ptr<circuit_breaker> last; // let go of without the lock: its hook is user code
    const scoped_lock lock(mutex_);
    const auto at = breakers_.find(key);
    if (at == breakers_.end())
        return false;
    last = std::move(at->second);
    breakers_.erase(at);
    return true;
}

std::size_t circuit_breaker_registry::size() const {
    const scoped_lock lock(mutex_);
    return breakers_.size();
}

} // namespace ferry
