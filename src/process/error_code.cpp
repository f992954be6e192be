// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process/detail/error_code.hpp>

#include <ferry/detail/caught_or_unwind.hpp>
#include <ferry/error.hpp>
#include <ferry/process/detail/code.hpp>

#include "support/annotated_mutex.hpp"
#include "type_bases.hpp"

#include <boost/asio/error.hpp>
#include <boost/assert/source_location.hpp>
#if __has_include(<boost/asio/experimental/channel_error.hpp>)
#include <boost/asio/experimental/channel_error.hpp>
#define FERRY_HAS_CHANNEL_ERRORS
#endif

#include <future>
#include <ios>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

namespace ferry::detail {
namespace {

using boost_category = boost::system::error_category;

// Categories, texts and places that come from other processes are never freed, so each has a limit.
constexpr std::size_t most_categories = 256;
constexpr std::size_t most_texts = 1024; // in one category
constexpr std::size_t most_places = 1024;
constexpr std::size_t longest = 1024;

std::string get_text(byte_source& in) {
    std::string text = in.get_string();
    if (text.size() > longest)
        text.resize(longest);
    return text;
}

std::span<const boost_category* const> known(const boost_category*) {
    static const boost_category* const all[] = {
        &boost::system::system_category(),
        &boost::system::generic_category(),
        &boost::asio::error::get_misc_category(),
        &boost::asio::error::get_netdb_category(),
        &boost::asio::error::get_addrinfo_category(),
#ifdef FERRY_HAS_CHANNEL_ERRORS
        &boost::asio::experimental::error::get_channel_category(),
#endif
        &error_category(),
        &condition_category()};
    return all;
}
std::span<const std::error_category* const> known(const std::error_category*) {
    static const std::error_category* const all[] = {
        &std::system_category(), &std::generic_category(), &std::iostream_category(),
        &std::future_category()};
    return all;
}

// ---- A category that this process does not have -------------------------------------------------

// Boost's error_category has no virtual destructor, and no category is deleted through a pointer to
// it.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
template <class Category>
class remote_category final : public Category {
public:
    explicit remote_category(std::string name) : name_(std::move(name)) {}
    const char* name() const noexcept override { return name_.c_str(); }
    std::string message(int value) const override {
        const annotated_lock lock(mutex_);
        const auto it = texts_.find(value);
        return it != texts_.end() ? it->second : name_ + " error " + std::to_string(value);
    }

    void add(int value, std::string text) const {
        const annotated_lock lock(mutex_);
        if (texts_.size() < most_texts)
            texts_.emplace(value, std::move(text));
    }

    static const Category& of(const std::string& name, int value, std::string text) {
        struct all {
            annotated_mutex mutex;
            std::map<std::string, std::unique_ptr<const remote_category>>
                categories FERRY_GUARDED_BY(mutex);
        };
        static auto* const a = new all; // never destroyed: a static error code may refer to it
        const annotated_lock lock(a->mutex);
        auto it = a->categories.find(name);
        if (it == a->categories.end()) {
            if (a->categories.size() >= most_categories)
                throw std::length_error("too many unknown error categories came from workers");
            it = a->categories.emplace(name, std::make_unique<const remote_category>(name)).first;
        }
        it->second->add(value, std::move(text));
        return *it->second;
    }

private:
    const std::string name_;
    mutable annotated_mutex mutex_;
    mutable std::map<int, std::string> texts_ FERRY_GUARDED_BY(mutex_);
};
#pragma GCC diagnostic pop

// ---- Any code -----------------------------------------------------------------------------------

template <class Category>
void put_code(byte_sink& out, int value, const Category& c) {
    out.put(value);
    put_string(out, c.name());
    code_ref ref;
    std::string text;
    try {
        ref = locate(&c);
    } catch (const std::invalid_argument&) { // the category is on the heap
    }
    try {
        text = c.message(value);
    } catch (...) {
        caught_or_unwind(); // the code is sent without a text
    }
    out.put(ref.module);
    out.put(ref.offset);
    put_string(out, text);
}

template <class Category>
const Category& get_category(byte_source& in, int value) {
    const std::string name = get_text(in);
    const auto module = in.get<std::uint64_t>();
    const auto offset = in.get<std::uint64_t>();
    std::string text = get_text(in);
    for (const Category* c : known(static_cast<const Category*>(nullptr))) {
        if (c->name() == name)
            return *c;
    }
    // A category that has not been constructed here yet has no table of virtual functions.
    const void* const at = module != 0 ? find_data(module, offset, sizeof(Category)) : nullptr;
    if (at != nullptr && is_object_of(at, typeid(Category))) {
        const auto& c = *static_cast<const Category*>(at);
        if (c.name() == name)
            return c;
    }
    return remote_category<Category>::of(name, value, std::move(text));
}

// A code of Boost refers to the place where it was made, which is a part of its text. The places
// are never freed, because nobody knows how long the codes live.
const boost::source_location* place_of(std::string file, std::string function, std::uint32_t line,
                                       std::uint32_t column) {
    using place = std::tuple<std::string, std::string, std::uint32_t, std::uint32_t>;
    struct all {
        annotated_mutex mutex;
        std::map<place, boost::source_location> places FERRY_GUARDED_BY(mutex);
    };
    static auto* const a = new all; // never destroyed: a static error code may refer to it
    const annotated_lock lock(a->mutex);
    place p(std::move(file), std::move(function), line, column);
    if (const auto it = a->places.find(p); it != a->places.end())
        return &it->second;
    if (a->places.size() >= most_places)
        return nullptr;
    const auto it = a->places.emplace(std::move(p), boost::source_location()).first;
    it->second = boost::source_location(std::get<0>(it->first).c_str(), line,
                                        std::get<1>(it->first).c_str(), column);
    return &it->second;
}

// A code of either library may wrap a code of the other one, without telling that one's category.
enum class form : std::uint8_t { own, with_place, of_other };

void put_own(byte_sink& out, const std::error_code& code) {
    out.put(form::own);
    put_code(out, code.value(), code.category());
}

void put_own(byte_sink& out, const boost::system::error_code& code) {
    out.put(code.has_location() ? form::with_place : form::own);
    put_code(out, code.value(), code.category());
    if (!code.has_location())
        return;
    const auto& l = code.location();
    put_string(out, l.file_name());
    put_string(out, l.function_name());
    out.put(static_cast<std::uint32_t>(l.line()));
    out.put(static_cast<std::uint32_t>(l.column()));
}

std::uint8_t get_form(byte_source& in) { return in.get<std::uint8_t>(); }

bool is(std::uint8_t read, form f) { return read == static_cast<std::uint8_t>(f); }

void get_own(byte_source& in, std::uint8_t, std::error_code& code) {
    const int value = in.get<int>();
    code.assign(value, get_category<std::error_category>(in, value));
}

void get_own(byte_source& in, std::uint8_t read, boost::system::error_code& code) {
    const int value = in.get<int>();
    const auto& category = get_category<boost_category>(in, value);
    code.assign(value, category);
    if (!is(read, form::with_place))
        return;
    std::string file = get_text(in);
    std::string function = get_text(in);
    const auto line = in.get<std::uint32_t>();
    const auto column = in.get<std::uint32_t>();
    code.assign(value, category, place_of(std::move(file), std::move(function), line, column));
}

// The name of the category of a code of Boost that wraps one of the standard library.
constexpr std::string_view of_the_standard_library = "std:unknown";

template <class Other, class Code>
void get_either(byte_source& in, Code& code) {
    const auto read = get_form(in);
    if (!is(read, form::of_other)) {
        get_own(in, read, code);
        return;
    }
    Other other;
    get_own(in, get_form(in), other);
    code = static_cast<Code>(other);
}

} // namespace

void put_error_code(byte_sink& out, const std::error_code& code) {
    const boost::system::error_code original(code);
    if (original.category().name() == of_the_standard_library) {
        put_own(out, code);
        return;
    }
    out.put(form::of_other);
    put_own(out, original);
}

void put_error_code(byte_sink& out, const boost::system::error_code& code) {
    if (code.category().name() != of_the_standard_library) {
        put_own(out, code);
        return;
    }
    out.put(form::of_other);
    put_own(out, static_cast<std::error_code>(code));
}

void get_error_code(byte_source& in, std::error_code& code) {
    get_either<boost::system::error_code>(in, code);
}

void get_error_code(byte_source& in, boost::system::error_code& code) {
    get_either<std::error_code>(in, code);
}

} // namespace ferry::detail
