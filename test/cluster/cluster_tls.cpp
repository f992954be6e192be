// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Connections with TLS: certificates that are right, and those that are not.
#define BOOST_TEST_MODULE cluster_tls
#define BOOST_TEST_NO_MAIN
#include <boost/test/unit_test.hpp>

#include <ferry/cluster.hpp>
#include <ferry/ferry.hpp>

#include "helpers/cluster_helpers.hpp"

#include <cstdlib>
#include <filesystem>

using namespace std::chrono_literals;
namespace utf = boost::unit_test;

namespace {

struct needs_broker_and_openssl {
    boost::test_tools::assertion_result operator()(utf::test_unit_id id) const {
        boost::test_tools::assertion_result r = needs_broker()(id);
        if (r && std::system("openssl version >/dev/null 2>&1") != 0) {
            r = false;
            r.message() << "openssl is not installed";
        }
        return r;
    }
};
constexpr auto when_there_is_a_broker = needs_broker_and_openssl();

void run(const std::string& command) {
    if (std::system((command + " >/dev/null 2>&1").c_str()) != 0)
        throw std::runtime_error(command);
}

// A certificate authority, and certificates that it has signed.
struct certificates {
    std::filesystem::path directory;

    certificates() {
        std::string name = (std::filesystem::temp_directory_path() / "ferry-certs-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr)
            throw std::runtime_error("mkdtemp");
        directory = name;
        authority("ca");
        authority("other-ca");
        sign("good", "localhost", "-days 1");
        sign("other-name", "elsewhere.example", "-days 1");
        sign("expired", "localhost", "-days -1");
    }
    ~certificates() {
        std::error_code ignored;
        std::filesystem::remove_all(directory, ignored);
    }
    std::string file(const std::string& name) const { return (directory / name).string(); }

private:
    void authority(const std::string& name) const {
        run("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=Ferry test " + name +
            "' -keyout " + file(name + ".key") + " -out " + file(name + ".pem"));
    }
    void sign(const std::string& name, const std::string& host, const std::string& days) const {
        run("openssl req -newkey rsa:2048 -nodes -subj /CN=" + host + " -keyout " +
            file(name + ".key") + " -out " + file(name + ".csr"));
        std::ofstream(file(name + ".ext")) << "subjectAltName=DNS:" << host << '\n';
        run("openssl x509 -req -in " + file(name + ".csr") + " -CA " + file("ca.pem") + " -CAkey " +
            file("ca.key") + " -CAcreateserial " + days + " -extfile " + file(name + ".ext") +
            " -out " + file(name + ".pem"));
    }
};

const certificates& all() {
    static const certificates c;
    return c;
}

struct tls_broker : test_broker {
    explicit tls_broker(const std::string& certificate)
        : test_broker({"ssl_options.cacertfile = " + all().file("ca.pem"),
                       "ssl_options.certfile = " + all().file(certificate + ".pem"),
                       "ssl_options.keyfile = " + all().file(certificate + ".key")},
                      true) {}
    ferry::cluster_options secure_options(const std::string& authority = "ca") const {
        auto o = options();
        o.url = "amqps://ferry@localhost:" + std::to_string(port()) + "/";
        o.ca_file = all().file(authority + ".pem");
        return o;
    }
};

void check_refused(const ferry::cluster_options& at, std::string_view why) {
    ferry::cluster_pool pool(at);
    const auto f = pool.submit(twice, 1);
    BOOST_CHECK_EXCEPTION(f.result(), ferry::broken_cluster_pool,
                          [&](const ferry::broken_cluster_pool& e) {
                              BOOST_TEST_MESSAGE(e.what());
                              return std::string_view(e.what()).find(why) != std::string_view::npos;
                          });
    BOOST_TEST(ferry::serve_cluster_worker(at, {.processes = {.max_workers = 1}}) == 1);
}

} // namespace

BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_AUTO_TEST_CASE(tasks_travel_over_tls_and_the_wrong_authority_is_refused) {
    const tls_broker broker("good");
    const auto at = broker.secure_options();
    {
        const test_host host(at, 1);
        ferry::cluster_pool pool(at);
        BOOST_TEST(pool.submit(twice, 21).result() == 42);
        BOOST_TEST(pool.submit([](const std::string& s) { return s; }, std::string(300000, 'x'))
                       .result()
                       .size() == 300000);
    }
    check_refused(broker.secure_options("other-ca"), "certificate cannot be trusted");
    auto missing = broker.secure_options();
    missing.ca_file = all().file("nowhere.pem");
    check_refused(missing, "ca_file");
    // Speaks no TLS to a port that expects it: no certificate was refused, so it is tried again.
    auto plain = broker.options();
    plain.connect_limit = 500ms;
    ferry::cluster_pool pool(plain);
    BOOST_CHECK_THROW(pool.submit(twice, 1).result(), ferry::no_worker_error);
}

BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_AUTO_TEST_CASE(a_certificate_for_another_host_is_refused) {
    const tls_broker broker("other-name");
    check_refused(broker.secure_options(), "certificate is for another host");
}

BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_AUTO_TEST_CASE(an_expired_certificate_is_refused) {
    const tls_broker broker("expired");
    check_refused(broker.secure_options(), "certificate cannot be trusted");
}

int main(int argc, char** argv) { return run_cluster_tests<twice>(argc, argv); }
