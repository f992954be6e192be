// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/cluster.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

/// A process of a test, which ends with the object at the latest.
class test_process {
public:
    test_process() = default;
    /// `settings` are added to the environment. In a process group of its own.
    test_process(const std::vector<std::string>& arguments,
                 const std::vector<std::string>& settings, const std::string& output = {}) {
        std::vector<char*> argv;
        std::vector<char*> env;
        for (const auto& a : arguments)
            argv.push_back(const_cast<char*>(a.c_str()));
        for (char** e = environ; *e != nullptr; ++e)
            env.push_back(*e);
        for (const auto& s : settings)
            env.push_back(const_cast<char*>(s.c_str()));
        argv.push_back(nullptr);
        env.push_back(nullptr);
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        if (!output.empty()) {
            posix_spawn_file_actions_addopen(&files, 1, output.c_str(),
                                             O_WRONLY | O_CREAT | O_APPEND, 0600);
            posix_spawn_file_actions_adddup2(&files, 1, 2);
        }
        posix_spawnattr_t how;
        posix_spawnattr_init(&how);
        posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP);
        const int error = ::posix_spawnp(&pid_, argv[0], &files, &how, argv.data(), env.data());
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&how);
        if (error != 0)
            throw std::system_error(error, std::generic_category(), argv[0]);
    }
    test_process(test_process&& o) noexcept : pid_(std::exchange(o.pid_, 0)) {}
    test_process& operator=(test_process&& o) noexcept {
        std::swap(pid_, o.pid_);
        return *this;
    }
    ~test_process() { end(SIGKILL); }

    pid_t pid() const noexcept { return pid_; }
    /// To all processes of its group.
    void signal_all(int number) const noexcept {
        if (pid_ > 0)
            ::kill(-pid_, number);
    }
    void signal(int number) const noexcept {
        if (pid_ > 0)
            ::kill(pid_, number);
    }
    /// Signals the group and waits for the process; its exit status.
    int end(int number) noexcept {
        signal_all(number);
        return wait();
    }
    int wait() noexcept {
        int status = 0;
        if (pid_ > 0)
            ::waitpid(std::exchange(pid_, 0), &status, 0);
        return status;
    }

private:
    pid_t pid_ = 0;
};

/// A RabbitMQ of the test's own: on loopback, with a data directory and ports of its own, and with
/// an account `ferry` with the password `secret`.
class test_broker {
public:
    static bool is_installed() { return std::filesystem::exists(program); }

    /// `settings` are lines of its configuration file.
    explicit test_broker(std::initializer_list<std::string> settings = {}, bool tls = false)
        : port_(free_port()), epmd_port_(free_port()), distribution_port_(free_port()) {
        std::string name =
            (std::filesystem::temp_directory_path() / "ferry-broker-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr)
            throw std::runtime_error("mkdtemp");
        directory_ = name;
        std::ofstream(directory_ / "plugins") << "[].\n";
        std::ofstream conf(directory_ / "rabbit.conf");
        conf << "default_user = ferry\ndefault_pass = secret\nlog.console.level = error\n";
        if (tls)
            conf << "listeners.tcp = none\nlisteners.ssl.1 = 127.0.0.1:" << port_ << "\n";
        for (const auto& s : settings)
            conf << s << '\n';
        conf.close();
        epmd_ = test_process({"epmd", "-address", "127.0.0.1", "-port", std::to_string(epmd_port_)},
                             {});
        start();
    }
    ~test_broker() {
        kill();
        epmd_ = {};
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }

    unsigned short port() const noexcept { return port_; }
    const std::filesystem::path& directory() const noexcept { return directory_; }
    std::string url() const { return "amqp://ferry@127.0.0.1:" + std::to_string(port_) + "/"; }
    ferry::cluster_options options() const {
        ferry::cluster_options o;
        o.url = url();
        o.password = [] { return std::string("secret"); };
        o.application = "test";
        o.heartbeat = std::chrono::milliseconds(500);
        return o;
    }

    void kill() { server_ = {}; }
    void pause() { server_.signal_all(SIGSTOP); }
    void go_on() { server_.signal_all(SIGCONT); }
    /// Starts it with what it has on its disk; returns once it can be connected to.
    void start() {
        const std::string d = directory_.string();
        server_ = test_process({program}, environment(), d + "/output");
        const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(3);
        while (!can_connect()) {
            if (std::chrono::steady_clock::now() > until)
                throw std::runtime_error("the broker does not start; see " + d + "/output");
            std::this_thread::sleep_for(std::chrono::milliseconds(50)); // it tells nobody else
        }
    }

    /// Has its operator's program do something; returns when that is done.
    void control(const std::vector<std::string>& command) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(3);
        std::vector<std::string> all{"/usr/lib/rabbitmq/bin/rabbitmqctl"};
        all.insert(all.end(), command.begin(), command.end());
        // It can be connected to before it listens to its operator.
        while (test_process(all, environment(), (directory_ / "control").string()).wait() != 0) {
            if (std::chrono::steady_clock::now() > until)
                throw std::runtime_error("rabbitmqctl fails; see " + directory_.string());
        }
    }

    /// A port that was free just now, and is not given out again.
    static unsigned short free_port() {
        static std::set<unsigned short> given;
        for (;;) {
            boost::asio::io_context context;
            boost::asio::ip::tcp::acceptor a(context,
                                             {boost::asio::ip::make_address("127.0.0.1"), 0});
            const unsigned short port = a.local_endpoint().port();
            if (given.insert(port).second)
                return port;
        }
    }

private:
    static constexpr const char* program = "/usr/lib/rabbitmq/bin/rabbitmq-server";

    std::vector<std::string> environment() const {
        const std::string d = directory_.string();
        std::vector<std::string> env{
            "HOME=" + d,
            "ERL_EPMD_ADDRESS=127.0.0.1",
            "ERL_EPMD_PORT=" + std::to_string(epmd_port_),
            "RABBITMQ_NODENAME=ferry-test@localhost",
            "RABBITMQ_DIST_PORT=" + std::to_string(distribution_port_),
            "RABBITMQ_MNESIA_BASE=" + d + "/data",
            "RABBITMQ_LOG_BASE=" + d + "/log",
            "RABBITMQ_LOGS=-",
            "RABBITMQ_ENABLED_PLUGINS_FILE=" + d + "/plugins",
            "RABBITMQ_CONF_ENV_FILE=" + d + "/none",
            "RABBITMQ_CONFIG_FILE=" + d + "/rabbit.conf",
            "RABBITMQ_PID_FILE=" + d + "/pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} "
            "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none",
            "RABBITMQ_CTL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}"};
        if (!listens_with_tls()) {
            env.push_back("RABBITMQ_NODE_IP_ADDRESS=127.0.0.1");
            env.push_back("RABBITMQ_NODE_PORT=" + std::to_string(port_));
        }
        return env;
    }
    bool listens_with_tls() const {
        std::ifstream conf(directory_ / "rabbit.conf");
        for (std::string line; std::getline(conf, line);) {
            if (line.starts_with("listeners.tcp = none"))
                return true;
        }
        return false;
    }
    bool can_connect() const {
        boost::asio::io_context context;
        boost::asio::ip::tcp::socket s(context);
        boost::system::error_code error;
        s.connect({boost::asio::ip::make_address("127.0.0.1"), port_}, error);
        return !error;
    }

    const unsigned short port_;
    const unsigned short epmd_port_;
    const unsigned short distribution_port_;
    std::filesystem::path directory_;
    test_process epmd_;
    test_process server_;
};
