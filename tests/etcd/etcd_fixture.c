/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/etcd/etcd_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "net/http_client.h"

#include "base/banned.h"

/* A loaded machine elects slowly. */
#define START_TIMEOUT_S 60
#define POLL_MS 20
#define POST_TIMEOUT_MS 5000
#define ANSWER_BYTES_MAX ((size_t)1 << 20)

struct member {
    pid_t pid; /* 0: does not run */
    uint16_t client_port;
    uint16_t peer_port;
    char *url;
};

struct etcd_fixture {
    char *directory;
    bool is_tls;
    size_t count;
    struct member members[ETCD_FIXTURE_MEMBER_MAX];
    char *endpoints;
    char *cluster; /* --initial-cluster */
    char *file;
    struct http_client *http;
};

/* Another than Debian's for those who have one. */
static const char *
etcd_path(void)
{
    const char *path = getenv("LODE_TEST_ETCD");

    return path != NULL ? path : "/usr/bin/etcd";
}

bool
etcd_fixture_is_installed(void)
{
    return access(etcd_path(), X_OK) == 0;
}

/* ---- certificates ---- */

static const char MAKE_CERTIFICATES[] =
    "set -e; cd \"$1\"; "
    "new() { openssl ecparam -genkey -name prime256v1 -noout -out \"$1.key\"; }; "
    "ca() { new $1; openssl req -x509 -new -key $1.key -days 2 -subj /CN=$1 -out $1.pem; }; "
    "ca ca; ca other-ca; "
    "for name in server client; do new $name; "
    "openssl req -new -key $name.key -subj /CN=$name -out $name.csr; "
    "echo 'subjectAltName=IP:127.0.0.1' >$name.ext; "
    "openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
    "-extfile $name.ext -out $name.pem; done";

static bool
run_shell(const char *script, const char *argument)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execl("/bin/sh", "sh", "-c", script, "sh", argument, (char *)NULL);
        _exit(127);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- members ---- */

/* Ports that nobody has now.  All are held until the last is chosen. */
static void
choose_ports(struct etcd_fixture *fixture)
{
    int fds[2 * ETCD_FIXTURE_MEMBER_MAX];

    for (size_t i = 0; i < 2 * fixture->count; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        struct sockaddr *any = (struct sockaddr *)&address;
        socklen_t size = sizeof(address);
        struct member *member = &fixture->members[i / 2];

        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK(fds[i] >= 0 && bind(fds[i], any, sizeof(address)) == 0);
        CHECK(getsockname(fds[i], any, &size) == 0);
        *(i % 2 == 0 ? &member->client_port : &member->peer_port) = ntohs(address.sin_port);
    }
    for (size_t i = 0; i < 2 * fixture->count; i++) {
        close(fds[i]);
    }
}

static void
name_members(struct etcd_fixture *fixture)
{
    struct buffer endpoints = BUFFER_INIT;
    struct buffer cluster = BUFFER_INIT;

    for (size_t i = 0; i < fixture->count; i++) {
        struct member *member = &fixture->members[i];

        member->url =
            xasprintf("%s://127.0.0.1:%u", fixture->is_tls ? "https" : "http", member->client_port);
        buffer_printf(&endpoints, "%s%s", i > 0 ? "," : "", member->url);
        buffer_printf(&cluster, "%smember-%zu=http://127.0.0.1:%u", i > 0 ? "," : "", i,
                      member->peer_port);
    }
    fixture->endpoints = bytes_to_string(buffer_bytes(&endpoints));
    fixture->cluster = bytes_to_string(buffer_bytes(&cluster));
    buffer_release(&endpoints);
    buffer_release(&cluster);
}

__attribute__((noreturn)) static void
become_member(const struct etcd_fixture *fixture, size_t index)
{
    const struct member *member = &fixture->members[index];
    char *name = xasprintf("member-%zu", index);
    char *data = xasprintf("%s/%s", fixture->directory, name);
    char *log = xasprintf("%s/%s.log", fixture->directory, name);
    char *peer = xasprintf("http://127.0.0.1:%u", member->peer_port);
    char *ca = xasprintf("%s/ca.pem", fixture->directory);
    char *certificate = xasprintf("%s/server.pem", fixture->directory);
    char *key = xasprintf("%s/server.key", fixture->directory);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    const char *arguments[40] = {etcd_path(),
                                 "--name",
                                 name,
                                 "--data-dir",
                                 data,
                                 "--listen-client-urls",
                                 member->url,
                                 "--advertise-client-urls",
                                 member->url,
                                 "--listen-peer-urls",
                                 peer,
                                 "--initial-advertise-peer-urls",
                                 peer,
                                 "--initial-cluster",
                                 fixture->cluster,
                                 "--initial-cluster-token",
                                 fixture->directory,
                                 "--logger",
                                 "zap",
                                 "--log-level",
                                 "warn",
                                 "--heartbeat-interval",
                                 "100",
                                 "--election-timeout",
                                 "1000",
                                 NULL};
    size_t count = 25;

    if (fixture->is_tls) {
        const char *tls[] = {"--trusted-ca-file", ca,  "--cert-file",       certificate,
                             "--key-file",        key, "--client-cert-auth"};

        CHECK(arguments[count] == NULL);
        memcpy(&arguments[count], tls, sizeof(tls));
    }
    CHECK(fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
    execv(etcd_path(), (char *const *)(uintptr_t)arguments);
    _exit(127);
}

static bool
is_serving(struct etcd_fixture *fixture, size_t member)
{
    /* A linearizable read: there is a leader. */
    char *answer = etcd_fixture_post(fixture, member, "/v3/kv/range", "{\"key\":\"YQ==\"}");
    bool is_good = answer != NULL;

    free(answer);
    return is_good;
}

static void
launch(struct etcd_fixture *fixture, size_t index)
{
    pid_t pid = fork();

    if (pid == 0) {
        become_member(fixture, index);
    }
    CHECK(pid > 0);
    fixture->members[index].pid = pid;
}

static bool
wait_until_serving(struct etcd_fixture *fixture, size_t index)
{
    int64_t deadline_ns = clock_monotonic_ns() + START_TIMEOUT_S * CLOCK_NS_PER_S;

    while (!is_serving(fixture, index)) {
        if (waitpid(fixture->members[index].pid, NULL, WNOHANG) != 0) {
            fixture->members[index].pid = 0;
            return false;
        }
        if (clock_monotonic_ns() > deadline_ns) {
            return false;
        }
        poll(NULL, 0, POLL_MS);
    }
    return true;
}

bool
etcd_fixture_start_member(struct etcd_fixture *fixture, size_t member)
{
    CHECK(member < fixture->count && fixture->members[member].pid == 0);
    launch(fixture, member);
    return wait_until_serving(fixture, member);
}

void
etcd_fixture_signal(struct etcd_fixture *fixture, size_t member, int number)
{
    CHECK(member < fixture->count && fixture->members[member].pid != 0);
    CHECK(kill(fixture->members[member].pid, number) == 0);
    if (number == SIGKILL || number == SIGTERM) {
        CHECK(waitpid(fixture->members[member].pid, NULL, 0) == fixture->members[member].pid);
        fixture->members[member].pid = 0;
    }
}

/* ---- the cluster ---- */

static bool
start_all(struct etcd_fixture *fixture)
{
    struct http_client_options options = {.ca_file = NULL};
    char *ca = xasprintf("%s/ca.pem", fixture->directory);
    char *certificate = xasprintf("%s/client.pem", fixture->directory);
    char *key = xasprintf("%s/client.key", fixture->directory);
    bool is_good = true;

    if (fixture->is_tls) {
        is_good = run_shell(MAKE_CERTIFICATES, fixture->directory);
        options = (struct http_client_options){ca, certificate, key};
    }
    is_good = is_good && http_client_create(&options, &fixture->http, NULL) == ST_OK;
    for (size_t i = 0; is_good && i < fixture->count; i++) {
        launch(fixture, i);
    }
    for (size_t i = 0; is_good && i < fixture->count; i++) {
        is_good = wait_until_serving(fixture, i);
    }
    free(ca);
    free(certificate);
    free(key);
    return is_good;
}

struct etcd_fixture *
etcd_fixture_start(size_t member_count, bool is_tls)
{
    const char *base = getenv("TMPDIR");
    struct etcd_fixture *fixture = xcalloc(1, sizeof(*fixture));

    CHECK(member_count > 0 && member_count <= ETCD_FIXTURE_MEMBER_MAX);
    fixture->directory = xasprintf("%s/lode-etcd-XXXXXX", base != NULL ? base : "/tmp");
    CHECK(mkdtemp(fixture->directory) != NULL);
    fixture->is_tls = is_tls;
    fixture->count = member_count;
    choose_ports(fixture);
    name_members(fixture);
    if (!start_all(fixture)) {
        fprintf(stderr, "etcd_fixture: etcd did not start\n");
        etcd_fixture_stop(&fixture);
    }
    return fixture;
}

static int
remove_entry(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    return remove(path);
}

void
etcd_fixture_stop(struct etcd_fixture **take_fixture)
{
    struct etcd_fixture *fixture = *take_fixture;

    if (fixture == NULL) {
        return;
    }
    for (size_t i = 0; i < fixture->count; i++) {
        if (fixture->members[i].pid != 0) {
            etcd_fixture_signal(fixture, i, SIGKILL);
        }
        free(fixture->members[i].url);
    }
    http_client_destroy(&fixture->http);
    nftw(fixture->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(fixture->directory);
    free(fixture->endpoints);
    free(fixture->cluster);
    free(fixture->file);
    free(fixture);
    *take_fixture = NULL;
}

const char *
etcd_fixture_endpoints(const struct etcd_fixture *fixture)
{
    return fixture->endpoints;
}

const char *
etcd_fixture_endpoint(const struct etcd_fixture *fixture, size_t member)
{
    return fixture->members[member].url;
}

const char *
etcd_fixture_file(struct etcd_fixture *fixture, const char *name)
{
    free(fixture->file);
    fixture->file = xasprintf("%s/%s", fixture->directory, name);
    return fixture->file;
}

char *
etcd_fixture_post(struct etcd_fixture *fixture, size_t member, const char *path, const char *body)
{
    char *url = xasprintf("%s%s", fixture->members[member].url, path);
    struct http_client_request request = {.url = url,
                                          .body = bytes_of_string(body),
                                          .timeout_ms = POST_TIMEOUT_MS,
                                          .answer_bytes_max = ANSWER_BYTES_MAX};
    struct http_client_answer answer = HTTP_CLIENT_ANSWER_INIT;
    char *text = NULL;

    if (http_client_run(fixture->http, &request, &answer, NULL) == ST_OK && answer.code == 200) {
        text = bytes_to_string(buffer_bytes(&answer.body));
    }
    buffer_release(&answer.body);
    free(url);
    return text;
}

/* The number behind "name":" in text; owned; NULL: none. */
static char *
find_number(const char *text, const char *name)
{
    char *wanted = xasprintf("\"%s\":\"", name);
    const char *place = text != NULL ? strstr(text, wanted) : NULL;
    size_t skip = strlen(wanted);

    free(wanted);
    return place != NULL ? xstrndup(place + skip, strspn(place + skip, "0123456789")) : NULL;
}

size_t
etcd_fixture_leader(struct etcd_fixture *fixture)
{
    size_t found = SIZE_MAX;

    for (size_t i = 0; found == SIZE_MAX && i < fixture->count; i++) {
        char *text = fixture->members[i].pid != 0
                         ? etcd_fixture_post(fixture, i, "/v3/maintenance/status", "{}")
                         : NULL;
        char *own = find_number(text, "member_id");
        char *leader = find_number(text, "leader");

        found = own != NULL && leader != NULL && strcmp(own, leader) == 0 ? i : SIZE_MAX;
        free(own);
        free(leader);
        free(text);
    }
    return found;
}

bool
etcd_fixture_compact(struct etcd_fixture *fixture)
{
    char *text = etcd_fixture_post(fixture, 0, "/v3/kv/range", "{\"key\":\"YQ==\"}");
    char *revision = find_number(text, "revision");
    char *body =
        xasprintf("{\"revision\":\"%s\",\"physical\":true}", revision != NULL ? revision : "0");
    char *answer = etcd_fixture_post(fixture, 0, "/v3/kv/compaction", body);
    bool is_good = answer != NULL;

    free(text);
    free(revision);
    free(body);
    free(answer);
    return is_good;
}
