// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A host that knows nothing of Ferry: it loads a plug-in and calls one function of it. Its `main`
// is not the plug-in's to change, so the plug-in cannot start this program as its worker.
#include <cstdio>
#include <dlfcn.h>

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: %s PLUG-IN WORKER\n", argv[0]);
        return 2;
    }
    void* const plug_in = ::dlopen(argv[1], RTLD_NOW);
    if (plug_in == nullptr) {
        std::fprintf(stderr, "%s\n", ::dlerror());
        return 1;
    }
    using function = int (*)(const char* worker);
    const auto decode = reinterpret_cast<function>(::dlsym(plug_in, "decode_images"));
    return decode != nullptr ? decode(argv[2]) : 1;
}
