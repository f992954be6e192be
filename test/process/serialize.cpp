// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process/serialize.hpp>

#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_serialize
#define BOOST_TEST_NO_MAIN
#include "helpers/worker_main.hpp"

#include "process/segment.hpp"

#include <boost/asio/error.hpp>

#include <cereal/types/polymorphic.hpp>

#include <filesystem>
#include <functional>
#include <future>
#include <mutex>
#include <random>
#include <string_view>

namespace detail = ferry::detail;

namespace {

struct point {
    int x = 0;
    double y = 0;
    std::string name;
};
struct nested {
    point p;
    std::vector<point> more;
    std::optional<int> maybe;
};
struct empty {};
struct with_pointer {
    int* p = nullptr;
};
class with_serialize {
public:
    with_serialize() = default;
    explicit with_serialize(int v) : value_(v) {}
    template <class Archive>
    void serialize(Archive& ar) {
        ++calls();
        ar(value_);
    }
    int value() const { return value_; }
    static int& calls() {
        static int n = 0;
        return n;
    }

private:
    int value_ = 0;
};
class with_save_and_load {
public:
    template <class Archive>
    void save(Archive& ar) const {
        ar(value);
    }
    template <class Archive>
    void load(Archive& ar) {
        ar(value);
    }
    int value = 0;
};
struct no_default {
    explicit no_default(int v) : value(v) {}
    template <class Archive>
    void serialize(Archive& ar) {
        ar(value);
    }
    int value;
};
enum class colour { red };

struct shape {
    virtual ~shape() = default;
    virtual int corners() const = 0;
    template <class Archive>
    void serialize(Archive&) {}
};
struct square : shape {
    int size = 0;
    int corners() const override { return 4 * size; }
    template <class Archive>
    void serialize(Archive& ar) {
        ar(size);
    }
};

struct record { // as a C header has it
    char name[16];
    int n;
    double matrix[2][3];
};
struct records {
    record two[2];
    std::string words[3];
    std::array<record, 2> more;
};
struct tree {
    int value = 0;
    std::vector<tree> children;
};
struct linked {
    int value = 0;
    std::unique_ptr<linked> next;
};
struct by_name {
    std::map<std::string, by_name> entries;
    std::shared_ptr<by_name> other;
};
struct forest;
struct grove {
    std::vector<forest> forests;
};
struct forest { // contains itself through another
    std::optional<std::vector<grove>> groves;
    tree one;
    colour c = colour::red;
};
struct file_facts {
    std::filesystem::path path;
    std::error_code standard;
    boost::system::error_code from_boost;
    std::chrono::system_clock::time_point at;
    std::chrono::year_month_day day;
    std::variant<std::filesystem::path, std::error_code> either;
    std::pair<std::filesystem::path, boost::system::error_code> both;
};
struct large_array {
    int numbers[50'000];
    char last;
};

struct plain_base {
    int id = 0;
};
struct empty_base {};
struct move_only_base {
    std::unique_ptr<int> p;
};
struct derived : plain_base {
    double x = 0;
};
struct derived_from_nothing : empty_base {
    int x = 0;
};
struct derived_without_members : plain_base {};
struct derived_from_move_only : move_only_base {
    int x = 0;
};
struct bit_fields {
    unsigned a : 3;
    unsigned b : 5;
};
struct one_bit_field { // as large as if it were none
    int n;
    unsigned a : 7;
};
struct const_member {
    const int a = 0;
    int b = 0;
};
struct const_array {
    const int a[2] = {};
};
int referred = 0;
struct reference_member {
    int& a = referred;
};
struct anonymous_union {
    int kind = 0;
    union {
        int n;
        float f;
    };
};
union plain_union {
    int n;
    float f;
};
struct named_union {
    plain_union u;
    int kind = 0;
};
struct says_it_itself : plain_base {
    const int a = 0;
    template <class Archive>
    void save(Archive& ar) const {
        ar(id);
    }
    template <class Archive>
    void load(Archive& ar) {
        ar(id);
    }
};

using ferry::sendable;
template <class... T>
constexpr bool all = (sendable<T> && ...);
template <class... T>
constexpr bool none = (!sendable<T> && ...);

static_assert(all<bool, char, int, unsigned long, double, colour, std::string, std::u16string>);
static_assert(all<point, nested, empty, with_serialize, with_save_and_load>);
static_assert(all<std::vector<point>, std::map<std::string, std::vector<nested>>, std::set<int>,
                  std::array<point, 3>, std::pair<int, point>, std::tuple<int, nested>,
                  std::variant<int, std::string>, std::optional<point>, std::vector<bool>>);
static_assert(all<std::unique_ptr<point>, std::shared_ptr<int>, std::chrono::milliseconds,
                  std::chrono::system_clock::time_point, std::bitset<3>, std::complex<double>>);
static_assert(none<int*, const char*, int&, with_pointer, std::vector<int*>, std::optional<int*>,
                   void (*)(), int point::*>);
static_assert(none<std::function<void()>, std::mutex, std::string_view, std::future<int>,
                   std::reference_wrapper<int>, no_default>);
static_assert(none<ferry::future<int>, ferry::thread_pool, ferry::process_pool,
                   std::vector<ferry::future<int>>>);

static_assert(all<record, records, tree, linked, by_name, grove, forest, file_facts, large_array>);
static_assert(all<std::filesystem::path, std::error_code, boost::system::error_code,
                  std::vector<std::filesystem::path>, std::chrono::year_month_day>);
static_assert(none<derived, derived_from_nothing, derived_without_members, derived_from_move_only,
                   bit_fields, one_bit_field, const_member, const_array, reference_member,
                   anonymous_union, named_union, plain_union>);
static_assert(none<std::vector<derived>, std::map<int, bit_fields>, std::optional<const_member>>);
static_assert(all<says_it_itself>);

const int captured = 3;
[[maybe_unused]] auto captures_something = [k = captured] { return k; };
[[maybe_unused]] auto plain = [](int n) { return n; };
[[maybe_unused]] int function(int n) { return n; }
// CF-PP-30
static_assert(ferry::process_offloadable<decltype(plain), int>);
static_assert(ferry::process_offloadable<decltype(function), int>);
static_assert(ferry::process_offloadable<decltype([](const std::string&) {}), const char (&)[4]>);
static_assert(!ferry::process_offloadable<decltype(captures_something)>);
static_assert(!ferry::process_offloadable<decltype(plain), int*>);
static_assert(!ferry::process_offloadable<decltype([](int* p) { return *p; }), int*>);
static_assert(!ferry::process_offloadable<decltype([]() -> int* { return nullptr; })>);
static_assert(!ferry::process_offloadable<decltype([]() -> const int& { return captured; })>);
static_assert(!ferry::process_offloadable<int (point::*)(), point>);

// CF-INIT-09
static_assert(std::is_constructible_v<ferry::process_initializer, decltype(plain), int>);
static_assert(!std::is_constructible_v<ferry::process_initializer, decltype(captures_something)>);
static_assert(!std::is_constructible_v<ferry::process_initializer, decltype(plain), int*>);

template <class T>
T round_trip(const T& value) {
    detail::segment_store store(1);
    detail::byte_sink out(store);
    detail::output_archive to(out);
    to(value);
    const detail::payload p = out.finish();
    detail::byte_source in(p.bytes());
    detail::input_archive from(in);
    T back{};
    from(back);
    BOOST_TEST(in.remaining() == 0u);
    return back;
}

} // namespace

CEREAL_REGISTER_TYPE(square)
CEREAL_REGISTER_POLYMORPHIC_RELATION(shape, square)

BOOST_AUTO_TEST_CASE(aggregates_need_no_macro) {
    const auto n = round_trip(nested{{1, 2.5, "p"}, {{2, 3, "q"}, {}}, 7});
    BOOST_TEST(n.p.name == "p");
    BOOST_TEST(n.p.y == 2.5);
    BOOST_TEST(n.more.size() == 2u);
    BOOST_TEST(n.more[0].name == "q");
    BOOST_TEST(n.maybe.value() == 7);
    BOOST_TEST(round_trip(std::vector<empty>(1000)).size() == 1000u);
}

BOOST_AUTO_TEST_CASE(arrays_are_members) {
    const record r{"abc", 5, {{1, 2, 3}, {4, 5, 6}}};
    const auto same = [&r](const record& b) {
        return std::string(b.name) == r.name && b.n == r.n && b.matrix[1][2] == 6 &&
               b.matrix[0][1] == 2;
    };
    BOOST_TEST(same(round_trip(r)));
    const auto many = round_trip(records{{r, r}, {"x", "y", "z"}, {r, r}});
    BOOST_TEST(same(many.two[1]));
    BOOST_TEST(same(many.more[1]));
    BOOST_TEST(many.words[2] == "z");
    static large_array large;
    large.numbers[49'999] = 7;
    large.last = 'l';
    const auto back = std::make_unique<large_array>(round_trip(large));
    BOOST_TEST(back->numbers[49'999] == 7);
    BOOST_TEST(back->last == 'l');
    ferry::process_pool pool(1);
    BOOST_TEST(pool.submit([](const record& x) { return x.n; }, r).result() == 5);
    BOOST_TEST(same(pool.submit([](record x) { return x; }, r).result()));
}

BOOST_AUTO_TEST_CASE(numbers_come_from_where_they_lie_aligned_or_not) {
    struct shifted {
        std::string before;
        std::vector<double> values;
    };
    for (const std::size_t size : {0u, 1u, 1000u, 5'000'000u}) { // the last one in large pages
        for (std::size_t shift = 0; shift < (size > 1000 ? 2u : 8u); ++shift) {
            shifted s{std::string(shift, 's'), std::vector<double>(size)};
            for (std::size_t i = 0; i < size; ++i)
                s.values[i] = static_cast<double>(i);
            const auto back = round_trip(s);
            BOOST_TEST(back.before == s.before);
            BOOST_TEST((back.values == s.values));
        }
    }
    BOOST_TEST((round_trip(std::vector<bool>{true, false}) == std::vector<bool>{true, false}));
    const std::string text(40'000'000, 't');
    BOOST_TEST((round_trip(text) == text));
}

BOOST_AUTO_TEST_CASE(an_aggregate_may_contain_itself) {
    const tree t{5, {{1, {}}, {2, {{3, {}}}}}};
    BOOST_TEST(round_trip(t).children[1].children[0].value == 3);
    by_name names;
    names.entries["a"].entries["b"].other = std::make_shared<by_name>();
    BOOST_TEST((round_trip(names).entries["a"].entries["b"].other != nullptr));
    const forest f{{{grove{{forest{{}, t, colour::red}}}}}, {}, colour::red};
    BOOST_TEST(round_trip(f).groves->at(0).forests[0].one.children[1].value == 2);
    ferry::process_pool pool(1);
    BOOST_TEST(pool.submit([](tree x) { return x.children[1]; }, t).result().children.size() == 1u);
}

BOOST_AUTO_TEST_CASE(paths_codes_and_dates) {
    using namespace std::chrono;
    const file_facts f{"/a/b c",
                       std::make_error_code(std::errc::timed_out),
                       boost::asio::error::eof,
                       system_clock::time_point(hours(3)),
                       year_month_day(year(2026), month(11), day(28)),
                       std::make_error_code(std::future_errc::no_state),
                       {"relative", ferry::errc::timeout}};
    const auto check = [&f](const file_facts& b) {
        BOOST_TEST(b.path == f.path);
        BOOST_TEST((b.standard == f.standard && b.from_boost == f.from_boost && b.at == f.at &&
                    b.day == f.day && b.either == f.either && b.both == f.both));
    };
    file_facts back;
    {
        detail::segment_store store(1);
        detail::byte_sink out(store);
        detail::output_archive to(out);
        to(f);
        const detail::payload p = out.finish();
        detail::byte_source in(p.bytes());
        detail::input_archive from(in);
        from(back);
    }
    check(back);
    ferry::process_pool pool(1);
    check(pool.submit([](file_facts x) { return x; }, f).result());
    BOOST_TEST((pool.submit([](std::error_code c) { return c == std::errc::timed_out; }, f.standard)
                    .result()));
}

BOOST_AUTO_TEST_CASE(a_types_own_functions_are_called_once_in_each_direction) { // CF-PP-38
    with_serialize::calls() = 0;
    BOOST_TEST(round_trip(with_serialize(5)).value() == 5);
    BOOST_TEST(with_serialize::calls() == 2);
    with_save_and_load v;
    v.value = 6;
    BOOST_TEST(round_trip(v).value == 6);
}

BOOST_AUTO_TEST_CASE(pointers_to_bases_keep_the_type_of_what_they_point_to) {
    auto s = std::make_shared<square>();
    s->size = 3;
    const std::shared_ptr<shape> back = round_trip(std::shared_ptr<shape>(s));
    BOOST_TEST(back->corners() == 12);
    ferry::process_pool pool(1);
    BOOST_TEST(pool.submit([](std::shared_ptr<shape> p) { return p->corners(); },
                           std::shared_ptr<shape>(s))
                   .result() == 12);
}
