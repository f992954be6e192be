// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

// The modes of program.cpp that show what a worker is.

/// The names of the process and of a worker.
int print_names();
/// The thread that submits first is bound to a processor, of another class and nicer.
int submit_from_a_special_thread();
/// A kernel that has no handles of processes.
int without_handles_of_processes();
/// What the pool's process ignores is not ignored in a worker; an interrupt is.
int with_ignored_signals();
/// Workers whose program has a handler of its own, which is the one below.
int with_a_crash_handler();
void tell_of_the_crash(int signal);
int print_the_report_of_a_sanitizer();
