# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""Conan 2: conan create packaging/conan -s compiler.cppstd=20 --build=missing"""

import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, rmdir

required_conan_version = ">=2.0"


class FerryConan(ConanFile):
    name = "ferry"
    version = "0.1.0"
    description = "concurrent.futures for Boost.Asio: blocking calls in threads, in worker " \
        "processes and on other machines"
    license = "BSL-1.0"
    topics = ("asio", "coroutines", "futures", "thread-pool", "process-pool")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "process": [True, False], "cluster": [True, False]}
    default_options = {"shared": False, "process": True, "cluster": False}

    def export_sources(self):
        root = os.path.join(self.recipe_folder, os.pardir, os.pardir)
        for pattern in ("CMakeLists.txt", "LICENSE_1_0.txt", "cmake/*", "include/*", "src/*",
                        "programs/*"):
            copy(self, pattern, root, self.export_sources_folder)

    def layout(self):
        cmake_layout(self, src_folder=".")

    def requirements(self):
        # The headers of Boost are in Ferry's own; no compiled part of it is used.
        self.requires("boost/[>=1.81 <2]", transitive_headers=True)
        if self.options.process:
            self.requires("cereal/[>=1.3 <2]", transitive_headers=True)
        if self.options.cluster:
            self.requires("rabbitmq-c/[>=0.11 <1]")
            self.requires("openssl/[>=3 <4]")

    def validate(self):
        check_min_cppstd(self, 20)
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("Ferry runs on Linux")
        if self.options.cluster and not self.options.process:
            raise ConanInvalidConfiguration("the option cluster needs the option process")

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.variables["FERRY_BUILD_TESTS"] = False
        toolchain.variables["FERRY_BUILD_EXAMPLES"] = False
        toolchain.variables["FERRY_WERROR"] = False
        toolchain.variables["FERRY_INSTALL"] = True
        toolchain.variables["FERRY_BUILD_PROCESS"] = bool(self.options.process)
        toolchain.variables["FERRY_BUILD_CLUSTER"] = bool(self.options.cluster)
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE_1_0.txt", self.source_folder,
             os.path.join(self.package_folder, "licenses"))
        CMake(self).install()
        rmdir(self, os.path.join(self.package_folder, "lib", "cmake"))
        rmdir(self, os.path.join(self.package_folder, "lib", "pkgconfig"))
        rmdir(self, os.path.join(self.package_folder, "share"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "ferry")
        # As in cmake/install.cmake: until 1.0 a minor version may change names.
        self.cpp_info.set_property("cmake_config_version_compat", "SameMinorVersion")
        threads = self.cpp_info.components["ferry"]
        threads.set_property("cmake_target_name", "ferry::ferry")
        threads.set_property("pkg_config_name", "ferry")
        threads.libs = ["ferry"]
        threads.requires = ["boost::headers"]
        threads.system_libs = ["pthread"]
        if self.options.process:
            process = self.cpp_info.components["process"]
            process.set_property("cmake_target_name", "ferry::process")
            process.set_property("pkg_config_name", "ferry-process")
            process.libs = ["ferry_process"]
            process.requires = ["ferry", "cereal::cereal"]
            process.system_libs = ["dl"]
        if self.options.cluster:
            cluster = self.cpp_info.components["cluster"]
            cluster.set_property("cmake_target_name", "ferry::cluster")
            cluster.set_property("pkg_config_name", "ferry-cluster")
            cluster.libs = ["ferry_cluster"]
            cluster.requires = ["process", "rabbitmq-c::rabbitmq-c", "openssl::openssl"]
