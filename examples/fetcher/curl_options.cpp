// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "curl_options.hpp"

#include "help.hpp"
#include "text.hpp"
#include "unique_fd.hpp"
#include "url.hpp"

#include <CLI/CLI.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <new>
#include <optional>
#include <string>

namespace fetcher {
namespace {

enum class kind { flag, text, secret, file, number, list };

/// An option of the command line, and what it is for libcurl.
struct row {
    kind is;
    const char* names;
    const char* type;
    CURLoption option;
    long value; // of a flag
    const char* group;
    const char* help;
};

constexpr const char* request = "Requests";
constexpr const char* connection = "Connections";
constexpr const char* security = "TLS";

constexpr row rows[] = {
    {kind::flag, "-L,--location", "", CURLOPT_FOLLOWLOCATION, 1, request, "follow redirects"},
    {kind::number, "--max-redirs", "N", CURLOPT_MAXREDIRS, 0, request,
     "most redirects that are followed (10)"},
    {kind::flag, "--compressed", "", CURLOPT_ACCEPT_ENCODING, 0, request,
     "ask for a compressed answer, and unpack it"},
    {kind::secret, "-u,--user", "NAME:PASSWORD|@FILE", CURLOPT_USERPWD, 0, request,
     "who asks, by basic authentication"},
    {kind::flag, "-n,--netrc", "", CURLOPT_NETRC, CURL_NETRC_OPTIONAL, request,
     "who asks, from ~/.netrc"},
    {kind::file, "--netrc-file", "FILE", CURLOPT_NETRC_FILE, 0, request,
     "who asks, from that file"},
    {kind::text, "-e,--referer", "URL", CURLOPT_REFERER, 0, request, "the Referer of each request"},
    {kind::secret, "-b,--cookie", "NAME=VALUE|@FILE", CURLOPT_COOKIE, 0, request,
     "the Cookie of each request"},
    {kind::flag, "--http1.1", "", CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1, connection,
     "only HTTP/1.1"},
    {kind::flag, "--http2", "", CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2, connection,
     "HTTP/2 also without TLS, if the server upgrades to it"},
    {kind::flag, "--http2-prior-knowledge", "", CURLOPT_HTTP_VERSION,
     CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE, connection, "HTTP/2 without asking first"},
    {kind::text, "-x,--proxy", "URL", CURLOPT_PROXY, 0, connection,
     "go through that proxy; '' for none, whatever the environment says"},
    {kind::text, "--noproxy", "HOSTS", CURLOPT_NOPROXY, 0, connection,
     "hosts, with commas, that no proxy is used for"},
    {kind::list, "--resolve", "HOST:PORT:ADDRESS", CURLOPT_RESOLVE, 0, connection,
     "the address of a host, instead of asking for it"},
    {kind::flag, "-4,--ipv4", "", CURLOPT_IPRESOLVE, CURL_IPRESOLVE_V4, connection, "only IPv4"},
    {kind::flag, "-6,--ipv6", "", CURLOPT_IPRESOLVE, CURL_IPRESOLVE_V6, connection, "only IPv6"},
    {kind::file, "--cacert", "FILE", CURLOPT_CAINFO, 0, security,
     "certificates to trust, instead of the system's"},
    {kind::file, "-E,--cert", "FILE", CURLOPT_SSLCERT, 0, security, "certificate to show"},
    {kind::file, "--key", "FILE", CURLOPT_SSLKEY, 0, security, "the private key for --cert"},
    {kind::secret, "--pass", "PASSWORD|@FILE", CURLOPT_KEYPASSWD, 0, security,
     "what the private key is encrypted with"},
    {kind::flag, "-k,--insecure", "", CURLOPT_SSL_VERIFYPEER, 0, security,
     "trust any server: whoever listens can read and change everything"},
};

[[noreturn]] void refuse(const char* option, const std::string& why) {
    throw CLI::ValidationError(option, why);
}

/// Applies a setting to a handle that nothing is fetched with: what libcurl cannot take is one
/// mistake, and not one of each target.
void keep(std::vector<curl_setting>& settings, const row& which, curl_setting setting) {
    const std::unique_ptr<CURL, void (*)(CURL*)> trial(curl_easy_init(), curl_easy_cleanup);
    if (trial == nullptr)
        throw std::bad_alloc();
    if (const CURLcode code = apply(trial.get(), setting); code != CURLE_OK)
        refuse(which.names, std::string("libcurl cannot take it: ") + curl_easy_strerror(code));
    settings.push_back(std::move(setting));
}

constexpr const char* key_mark = "PRIVATE KEY-----";

/// What is no file has a scheme, such as pkcs11.
bool is_name_of_file(const std::string& text) { return text.find(':') == std::string::npos; }

/// What is in a file. Pipes can be read only once, by libcurl: nothing is known of them.
std::optional<std::string> known_content(const std::string& name, const char* option) {
    struct stat found{};
    if (!is_name_of_file(name) || ::stat(name.c_str(), &found) != 0 || S_ISFIFO(found.st_mode))
        return std::nullopt;
    return content_of(name, option);
}

void check_certificate(const std::string& name, const char* option, bool with_key = false) {
    const auto content = known_content(name, option);
    if (content && content->find("CERTIFICATE-----") == std::string::npos)
        refuse(option, "takes a file in PEM form, but there is no certificate in '" + name + "'");
    if (with_key && content && content->find(key_mark) == std::string::npos)
        refuse(option, "there is no private key in '" + name + "', and no --key");
}

void check_file(const row& which, const std::string& name) {
    if (is_name_of_file(name) && ::access(name.c_str(), R_OK) != 0)
        refuse(which.names, "cannot read '" + name + "': " + std::strerror(errno));
    if (which.option == CURLOPT_SSLCERT)
        return; // looked into by check_together
    if (which.option == CURLOPT_CAINFO)
        return check_certificate(name, which.names);
    const auto content = known_content(name, which.names);
    if (which.option == CURLOPT_SSLKEY && content && content->find(key_mark) == std::string::npos)
        refuse(which.names,
               "takes a file in PEM form, but there is no private key in '" + name + "'");
}

void set_number(std::vector<curl_setting>& settings, const row& which, const std::string& text) {
    long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > 1000)
        refuse(which.names, "takes a number from 0 to 1000");
    settings.push_back({which.option, value});
}

void set_text(std::vector<curl_setting>& settings, const row& which, std::string text) {
    if (which.is == kind::number)
        return set_number(settings, which, text);
    if (which.is == kind::secret) {
        text = text_or_file(text, which.names);
        text.erase(text.find_last_not_of("\r\n") + 1);
    }
    if (which.is == kind::file)
        check_file(which, text);
    // libcurl would write it into the head of the request as it is.
    if ((which.option == CURLOPT_REFERER || which.option == CURLOPT_COOKIE) && has_controls(text))
        refuse(which.names, "contains a control character");
    if (which.option == CURLOPT_PROXY && !text.empty()) {
        if (const std::string wrong = proxy_error(text); !wrong.empty())
            refuse(which.names, wrong);
        if (text.find("://") == std::string::npos)
            text.insert(0, "http://"); // libcurl would guess by the name
    }
    keep(settings, which, {which.option, std::move(text)});
    if (which.option == CURLOPT_NETRC_FILE)
        settings.push_back({CURLOPT_NETRC, long(CURL_NETRC_OPTIONAL)});
}

bool is_address(std::string text) {
    if (text.size() > 2 && text.front() == '[' && text.back() == ']')
        text = text.substr(1, text.size() - 2);
    in6_addr buffer{};
    return ::inet_pton(AF_INET, text.c_str(), &buffer) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), &buffer) == 1;
}

/// `[+]HOST:PORT:ADDRESS[,ADDRESS]...` or `-HOST:PORT`.
bool is_resolve(const std::string& text) {
    const auto colon = text.find(':');
    const auto second = colon == std::string::npos ? colon : text.find(':', colon + 1);
    const auto sign = text.find_first_not_of("+-");
    if (colon == std::string::npos || sign >= colon || sign > 1)
        return false;
    unsigned port = 0;
    const char* const begin = text.data() + colon + 1;
    const char* const end = text.data() + std::min(second, text.size());
    const auto [stop, error] = std::from_chars(begin, end, port);
    if (error != std::errc() || stop != end || port == 0 || port > 65535)
        return false;
    if (text[0] == '-')
        return second == std::string::npos;
    if (second == std::string::npos)
        return false;
    for (std::size_t at = second + 1; at <= text.size();) {
        const auto comma = std::min(text.find(',', at), text.size());
        if (!is_address(text.substr(at, comma - at)))
            return false;
        at = comma + 1;
    }
    return true;
}

void set_list(std::vector<curl_setting>& settings, const row& which,
              const std::vector<std::string>& texts) {
    curl_slist* begin = nullptr;
    for (const auto& each : texts) {
        if (!is_resolve(each))
            refuse(which.names, "'" + each + "' is not " + which.type +
                                    " with a port from 1 to 65535 and numeric addresses");
        begin = curl_slist_append(begin, each.c_str());
    }
    settings.push_back({which.option, std::shared_ptr<curl_slist>(begin, curl_slist_free_all)});
}

void set_flag(std::vector<curl_setting>& settings, const row& which) {
    if (which.option == CURLOPT_ACCEPT_ENCODING) {
        settings.push_back({which.option, std::string()}); // whatever libcurl can unpack
        return;
    }
    keep(settings, which, {which.option, which.value});
    if (which.option == CURLOPT_SSL_VERIFYPEER)
        settings.push_back({CURLOPT_SSL_VERIFYHOST, 0L});
}

const row& row_of(const curl_setting& setting) {
    return *std::find_if(std::begin(rows), std::end(rows), [&](const row& each) {
        return each.option == setting.option &&
               (each.is != kind::flag || each.value == std::get<long>(setting.value));
    });
}

} // namespace

std::string content_of(const std::string& name, const char* option) {
    unique_fd file(name == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                               : ::open(name.c_str(), O_RDONLY | O_CLOEXEC));
    std::string content;
    constexpr std::size_t piece = 16 << 10;
    for (;;) {
        const std::size_t old = content.size();
        content.resize(old + piece);
        const ssize_t got = ::read(file.get(), content.data() + old, piece);
        content.resize(old + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        if (got == 0)
            return content;
        if (got < 0 && errno != EINTR)
            refuse(option, "cannot read '" + name + "': " + std::strerror(errno));
    }
}

std::string text_or_file(const std::string& text, const char* option) {
    return text.starts_with('@') ? content_of(text.substr(1), option) : text;
}

CURLcode apply(CURL* easy, const curl_setting& setting) {
    if (const auto* number = std::get_if<long>(&setting.value))
        return curl_easy_setopt(easy, setting.option, *number);
    if (const auto* text = std::get_if<std::string>(&setting.value))
        return curl_easy_setopt(easy, setting.option, text->c_str());
    return curl_easy_setopt(easy, setting.option,
                            std::get<std::shared_ptr<curl_slist>>(setting.value).get());
}

void check_together(const std::vector<curl_setting>& settings) {
    const curl_setting *family = nullptr, *version = nullptr;
    const std::string *certificate = nullptr, *key = nullptr;
    const auto only_one = [](const curl_setting*& earlier, const curl_setting& now) {
        if (earlier != nullptr && earlier->value != now.value)
            refuse(row_of(*earlier).names, std::string("excludes ") + row_of(now).names);
        earlier = &now;
    };
    for (const auto& each : settings) {
        if (each.option == CURLOPT_IPRESOLVE)
            only_one(family, each);
        else if (each.option == CURLOPT_HTTP_VERSION)
            only_one(version, each);
        else if (each.option == CURLOPT_SSLCERT)
            certificate = &std::get<std::string>(each.value);
        else if (each.option == CURLOPT_SSLKEY)
            key = &std::get<std::string>(each.value);
    }
    if (key != nullptr && certificate == nullptr)
        refuse("--key", "needs --cert, the certificate that it belongs to");
    if (certificate != nullptr)
        check_certificate(*certificate, "--cert", key == nullptr);
}

void add_curl_options(CLI::App& app, std::vector<curl_setting>& settings) {
    settings.push_back({CURLOPT_MAXREDIRS, 10L});
    for (const row& each : rows) {
        CLI::Option* option = nullptr;
        if (each.is == kind::flag)
            option = app.add_flag_function(
                each.names,
                [&settings, &each](std::int64_t count) {
                    if (count > 0)
                        set_flag(settings, each);
                },
                wrapped(each.help));
        else if (each.is == kind::list)
            option = app.add_option_function<std::vector<std::string>>(
                            each.names,
                            [&settings, &each](const std::vector<std::string>& texts) {
                                set_list(settings, each, texts);
                            },
                            wrapped(each.help))
                         ->expected(1)
                         ->allow_extra_args(false)
                         ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
                         ->type_name(each.type);
        else
            option = app.add_option_function<std::string>(
                            each.names,
                            [&settings, &each](const std::string& text) {
                                set_text(settings, each, text);
                            },
                            wrapped(each.help))
                         ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
                         ->type_name(each.type);
        option->group(each.group);
    }
}

} // namespace fetcher
