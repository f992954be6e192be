// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "engine.hpp"

#include "descriptors.hpp"
#include "text.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <utility>

namespace asio = boost::asio;

namespace fetcher {
namespace {

/// What an attempt says about its host. A server that asks for a pause is not broken.
host_health health(const job& what) {
    switch (what.why) {
    case failure::dns:
    case failure::connect:
    case failure::tls:
    case failure::timeout:
    case failure::stall:
    case failure::closed:
    case failure::protocol: return host_health::ill;
    case failure::status:
        if (what.retry_after)
            return host_health::unknown;
        return what.status >= 500 ? host_health::ill : host_health::well;
    case failure::gave_up:
    case failure::descriptors:
    case failure::other: return host_health::unknown;
    default: return host_health::well;
    }
}

constexpr unsigned most_holds = 1000;
constexpr std::chrono::milliseconds hold{20};

bool is_lack_of_descriptors(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::system_error& e) {
        return fetcher::is_lack_of_descriptors(e);
    } catch (...) {
        return false;
    }
}

std::string text_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return e.what();
    }
}

} // namespace

void engine::take_result(job_ptr what, clock::time_point now) {
    under_way_.erase(what.get());
    schedule_.finished(*what, health(*what), now);
    if (what->cancelled) {
        if (gave_up_ != nullptr) {
            what->error = gave_up_;
            finish(*what);
        } else {
            add_unfinished(*what);
        }
        return;
    }
    if (what->out_of_descriptors)
        return hold_back(std::move(what), now);
    holds_ = 0;
    if (what->http_version == CURL_HTTP_VERSION_2_0)
        schedule_.multiplexes(what->what.host);
    if (what->why != failure::none && what->why != failure::output) {
        if (const auto closed = retries_.host_closed_for(*what))
            schedule_.close(what->what.host, *closed, now);
        std::uniform_real_distribution<double> distribution(0, 1);
        const std::string method = method_of(*what, settings_.request);
        const auto pause =
            stopping_ ? std::nullopt : retries_.next(*what, method, distribution(random_));
        if (pause) {
            report_.count_retry();
            schedule_.retry(std::move(what), now + *pause);
            return;
        }
    }
    settle(std::move(what));
}

void engine::go_on_with_fewer() {
    schedule_.hold_back();
    if (!std::exchange(held_back_, true))
        progress_.say("no descriptor was left; going on with " + std::to_string(schedule_.jobs()) +
                      " at a time");
}

// No descriptor was left. It was not the target's fault, so it does not count as an attempt.
void engine::hold_back(job_ptr what, clock::time_point now) {
    go_on_with_fewer();
    if (++holds_ > most_holds || stopping_)
        return settle(std::move(what));
    schedule_.retry(std::move(what), now + hold);
}

// Whether what failed, so many times, is to be tried again; some time has then passed.
asio::awaitable<bool> engine::may_succeed_later(const std::exception_ptr& error, unsigned times) {
    if (!is_lack_of_descriptors(error) || times > most_holds || aborting_)
        co_return false;
    if (times == 1)
        go_on_with_fewer();
    asio::steady_timer pause(context_, hold);
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    co_return true;
}

void engine::settle(job_ptr what) {
    if (what->why != failure::none || what->not_modified || !what->body.needs_storing()) {
        if (what->why == failure::output)
            output_failed(what->error);
        finish(*what);
        return;
    }
    ++storing_;
    asio::co_spawn(context_, store(std::move(what)), asio::detached);
}

asio::awaitable<void> engine::store(job_ptr what) {
    const auto call = [&body = what->body] { body.store(); };
    std::exception_ptr wrong;
    for (unsigned times = 1;; ++times) {
        wrong = nullptr;
        try {
            co_await ferry::run_in_executor(helpers_, call);
            break;
        } catch (...) {
            wrong = std::current_exception();
        }
        const bool again = co_await may_succeed_later(wrong, times);
        if (!again)
            break;
    }
    if (wrong) {
        what->why = failure::output;
        what->error = text_of(wrong);
        output_failed(what->error);
    } else if (!what->body.as_expected()) {
        what->why = failure::checksum;
        what->error = "the SHA-256 is " + what->body.hash();
    }
    --storing_;
    finish(*what);
    wake();
}

void engine::finish(job& what) {
    report_.add(what, clock::now());
    if (what.why == failure::none && journal_ && !what.not_modified) {
        try {
            journal_->add(what.what, method_of(what, settings_.request), what.answered);
            journal_->flush();
        } catch (const std::exception& e) {
            output_failed(std::string("the journal: ") + e.what());
        }
    }
    show(what);
    if (on_done_)
        on_done_(what);
    if (what.why != failure::none && settings_.fail_fast && !stopping_) {
        progress_.say(printable(what.what.id) + " failed; nothing more is started");
        stop_starting();
    }
}

void engine::show(job& what) {
    switch (settings_.output) {
    case output_kind::quiet: break;
    case output_kind::json: out_.add(report_.json(what)); break;
    case output_kind::lines:
        if (what.why != failure::gave_up) // those are named at the end
            out_.add(report_.line(what));
        break;
    case output_kind::bodies:
        if (what.why != failure::none) {
            progress_.say(printable(what.what.id) + ": " + printable(what.error));
        } else if (what.output.empty() && !what.not_modified) {
            out_.begin_body();
            if (what.body.spilled())
                out_.add(what.body.take_file());
            else
                out_.add(what.body.take_text());
        }
        break;
    }
}

void engine::tell_end() {
    const auto now = clock::now();
    progress_.finish(report_, now);
    std::string text = report_.summary(now);
    if (signal_ != 0)
        text += "interrupted\n";
    if (settings_.output == output_kind::lines)
        out_.add(std::move(text));
    else if (settings_.output != output_kind::quiet && settings_.progress != progress_kind::none)
        progress_.write(text);
    if (!input_error_.empty())
        progress_.say(input_error_);
    if (!settings_.metrics.empty())
        write_metrics();
}

void engine::write_metrics() {
    try {
        output_file file(directory_of(settings_.metrics), file_of(settings_.metrics));
        file.write(report_.metrics(clock::now()));
        file.commit();
    } catch (const std::exception& e) {
        output_failed(std::string("--metrics: ") + e.what());
    }
}

void engine::stop_starting() {
    stopping_ = true;
    stop_reading_.request_stop();
    read_event_.cancel();
    for (auto& each : workers_)
        each.channel.drain();
    for (auto& each : schedule_.drain()) {
        if (gave_up_ == nullptr) {
            add_unfinished(*each);
            continue;
        }
        each->why = failure::gave_up;
        each->error = gave_up_;
        finish(*each);
    }
    wake();
}

void engine::add_unfinished(job& what) {
    report_.add_unfinished(what);
    what.why = failure::gave_up;
    what.error = signal_ != 0 ? "interrupted" : "not started";
    if (settings_.output == output_kind::json)
        out_.add(report_.json(what));
}

void engine::abort() {
    aborting_ = true;
    stop_starting();
    for (auto& each : workers_)
        each.channel.abort();
}

void engine::give_up() {
    gave_up_ = "gave up: the total timeout expired";
    abort();
}

// What is in reserve with a worker has not begun.
std::string engine::under_way() const {
    constexpr std::size_t most = 20;
    std::size_t count = 0;
    std::string names;
    for (const job* each : under_way_) {
        if (!each->begun || ++count > most)
            continue;
        names += (count == 1 ? ": " : ", ") + printable(each->what.id);
    }
    return std::to_string(count) + " under way" + names + (count > most ? ", ..." : "");
}

void engine::interrupt(int signal) {
    const bool first = signal_ == 0;
    if (first)
        signal_ = signal;
    if (first && !aborting_) {
        const auto begun = std::count_if(under_way_.begin(), under_way_.end(),
                                         [](const job* each) { return each->begun.load(); });
        const std::size_t reserve = under_way_.size() - static_cast<std::size_t>(begun);
        progress_.say("interrupted; waiting for " + under_way() + "; " +
                      std::to_string(schedule_.waiting() + reserve) +
                      " not started; once more cuts them");
        stop_starting();
        return;
    }
    if (!aborting_)
        progress_.say("cut: " + under_way());
    abort();
    // Nobody may be reading the output any more.
    last_resort_.expires_after(std::chrono::seconds(2));
    last_resort_.async_wait([this](boost::system::error_code error) {
        if (!error)
            std::_Exit(exit_code());
    });
}

void engine::output_failed(const std::string& why) {
    if (!output_error_.empty())
        return;
    output_error_ = why;
    progress_.say(printable(why));
    // What cannot be written need not be fetched; a single file may be the only one.
    if (!out_.error().empty() || why.find("No space left") != std::string::npos)
        abort();
}

void engine::on_breaker(const std::string& host, ferry::circuit_state entered, unsigned openings) {
    breaker_opened_ = breaker_opened_ || entered == ferry::circuit_state::open;
    if (settings_.progress == progress_kind::none)
        return;
    if (entered == ferry::circuit_state::open && openings == 1)
        progress_.say(printable(host) + " keeps failing and is left alone for " +
                      std::to_string(settings_.lanes.breaker_reset.count()) + " ms");
    else if (entered == ferry::circuit_state::open && openings == 2)
        progress_.say(printable(host) + " still fails; until it answers, so do its targets");
    else if (entered == ferry::circuit_state::closed)
        progress_.say(printable(host) + " answers again");
}

int engine::exit_code() const {
    if (!output_error_.empty())
        return 4;
    if (signal_ != 0)
        return 128 + signal_;
    if (report_.failed() == 0 && input_error_.empty())
        return 0;
    return report_.succeeded() == 0 ? 3 : 1;
}

} // namespace fetcher
