// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Must not compile with CASE defined as the number of a case, and must compile without. CF-PP-30
#include <ferry/process.hpp>

#include <string_view>

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
    static_cast<void>(local);
#if CASE == 1 // expect: captures_nothing__pass_what_it_needs_as_arguments
    return pool.submit([local] { return local; }).result();
#elif CASE == 2  // expect: not_a_pointer__send_what_it_points_to
    return pool.submit([](int* p) { return *p; }, &local).result();
#elif CASE == 3  // expect: default_constructible_so_that_it_can_be_rebuilt
    return pool.submit([](std::reference_wrapper<int> r) { return r.get(); }, std::ref(local))
        .result();
#elif CASE == 4  // expect: cereal_or_an_aggregate__give_it_a_serialize_function
    return pool
        .submit([](std::string_view s) { return static_cast<int>(s.size()); },
                std::string_view("text"))
        .result();
#elif CASE == 5  // expect: not_a_reference__send_a_value
    return pool.submit([]() -> int& { return there; }).result();
#elif CASE == 6  // expect: no_base_bit_field_union_const_or_reference_member
    return pool.submit([](const job& j) { return j.id; }, job()).result();
#elif CASE == 7  // expect: no_base_bit_field_union_const_or_reference_member
    return pool.submit([](const flags&) { return 1; }, flags()).result();
#elif CASE == 8  // expect: no_base_bit_field_union_const_or_reference_member
    return pool.submit([](const fixed& f) { return f.a; }, fixed()).result();
#elif CASE == 9  // expect: no_base_bit_field_union_const_or_reference_member
    return pool.submit([](const refers& r) { return r.a; }, refers()).result();
#elif CASE == 10 // expect: no_base_bit_field_union_const_or_reference_member
    return static_cast<int>(pool.submit([]() { return flags(); }).result().a);
#else
    static_cast<void>(pool.submit([](const record& r) { return r.n; }, record{"x", 1}));
    return pool
        .submit([](int n, const std::string& s) { return n + static_cast<int>(s.size()); }, local,
                "text")
        .result();
#endif
}
