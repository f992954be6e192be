// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Must not compile with CASE defined as the number of a case, and must compile without. CF-PP-30
#include <ferry/process.hpp>

#include <span>
#include <string_view>
#include <vector>

class opaque {
    int n_ = 1;

public:
    int n() const { return n_; }
};

int twice(int n) { return 2 * n; }
int until(int n, std::stop_token) { return n; }
int length(const std::string& s) { return static_cast<int>(s.size()); }
int take(std::unique_ptr<int> p) { return *p; }

struct base {
    int id = 0;
};
struct job : base {
    double x = 0;
};
struct flags {
    unsigned a : 3;
    unsigned b : 5;
};
struct fixed {
    const int a = 0;
    int b = 0;
};
int there = 1;
struct refers {
    int& a = there;
};
struct record {
    char name[16];
    int n;
};

int use(ferry::process_pool& pool) {
    int local = 1;
    auto owned = std::make_unique<int>(1);
    std::vector<std::unique_ptr<int>> many;
    std::vector<int> numbers;
    static_cast<void>(local);
#if CASE == 1 // expect: captures_nothing__pass_what_it_needs_as_arguments
    return pool.submit([local] { return local; }).result();
#elif CASE == 2  // expect: not_a_pointer__send_what_it_points_to
    return pool.submit([](int* p) { return *p; }, &local).result();
#elif CASE == 3  // expect: default_constructible_so_that_it_can_be_rebuilt
    return pool.submit([](std::reference_wrapper<int> r) { return r.get(); }, std::ref(local))
        .result();
#elif CASE == 4  // expect: cereal_or_an_aggregate__give_it_a_serialize_function
    return pool.submit([](const opaque& o) { return o.n(); }, opaque()).result();
#elif CASE == 5  // expect: not_a_reference__send_a_value
    return pool.submit([]() -> int& { return there; }).result();
#elif CASE == 6  // expect: text_that_it_owns__say_std_string
    return pool
        .submit([](std::string_view s) { return static_cast<int>(s.size()); },
                std::string_view("text"))
        .result();
#elif CASE == 7  // expect: text_that_it_owns__say_std_string
    return pool.submit([]() -> std::string_view { return "text"; }).result().size();
#elif CASE == 8  // expect: elements_that_it_owns__say_std_vector
    return pool.submit([](std::span<const int> s) { return s[0]; }, std::span<const int>(&local, 1))
        .result();
#elif CASE == 9  // expect: no_parameter_by_non_const_reference__say_std_ref
    return pool.submit([](int& n) { return n; }, local).result();
#elif CASE == 10 // expect: callable_with_copies_of_the_arguments__check_their_number_and_types
    return pool.submit(twice).result();
#elif CASE == 11 // expect: task_options_before_the_function__not_among_its_arguments
    return pool.submit(twice, local, ferry::task_options{.label = "late"}).result();
#elif CASE == 12 // expect: stop_token_as_the_first_parameter__not_the_last
    return pool.submit(until, local).result();
#elif CASE == 13 // expect: copied_or_moved_into_the_call__say_std_move
    return pool.submit(take, owned).result();
#elif CASE == 14 // expect: no_temporary_pool_or_context__give_it_a_name
    static_cast<void>(ferry::run_in_executor(ferry::process_pool(1), twice, local));
#elif CASE == 15 // expect: range_with_elements_that_can_be_copied__or_moved_from_a_view
    pool.map(take, many);
#elif CASE == 16 // expect: no_base_bit_field_union_const_or_reference_member
    return pool.submit([](const job& j) { return j.id; }, job()).result();
#elif CASE == 17 // expect: no_base_bit_field_union_const_or_reference_member
    return pool.submit([](const flags&) { return 1; }, flags()).result();
#elif CASE == 18 // expect: no_base_bit_field_union_const_or_reference_member
    return pool.submit([](const fixed& f) { return f.a; }, fixed()).result();
#elif CASE == 19 // expect: no_base_bit_field_union_const_or_reference_member
    return pool.submit([](const refers& r) { return r.a; }, refers()).result();
#elif CASE == 20 // expect: no_base_bit_field_union_const_or_reference_member
    return static_cast<int>(pool.submit([]() { return flags(); }).result().a);
#elif CASE == 21 // expect: callable_with_copies_of_the_arguments__check_their_number_and_types
    pool.map(twice, numbers, numbers);
#elif CASE == 22 // expect: callable_with_copies_of_the_arguments__check_their_number_and_types
    pool.map({.chunksize = 2}, [] { return 1; }, numbers);
#elif CASE == 23 // expect: callable_with_copies_of_the_arguments__check_their_number_and_types
    pool.map(length, numbers);
#else
    pool.map(twice, numbers);
    static_cast<void>(pool.submit([](const record& r) { return r.n; }, record{"x", 1}));
    static_cast<void>(ferry::run_in_executor(pool, twice, local));
    pool.submit(take, std::move(owned)).result();
    pool.map(take, std::views::transform(many, [](auto& p) { return std::move(p); }));
    pool.submit(length, std::string(std::string_view("text"))).result();
    pool.submit({.label = "early"}, twice, local).result();
    return pool
        .submit([](int n, const std::string& s) { return n + static_cast<int>(s.size()); }, local,
                "text")
        .result();
#endif
#if CASE == 14 || CASE == 15 || CASE >= 21
    return 0;
#endif
}
