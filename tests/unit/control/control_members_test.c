/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The etcd driver over members that die, hang, speak TLS, or are not etcd at all; and sessions of
 * processes that were stopped.
 */
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "tests/unit/control/control_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct error err;

static void
put(struct control *control, const char *key, const char *value)
{
    EXPECT_OK(control_put(control, bytes_of_string(key), bytes_of_string(value),
                          CONTROL_ANY_REVISION, NULL, &err),
              &err);
}

/* ---- three members ---- */

/* Neither a killed nor a stopped leader fails a change or loses one; all members back, and the
 * others gone, the values are the same. */
TEST(loss_of_the_etcd_leader_costs_time_alone)
{
    struct etcd_fixture *etcd;
    struct control *control;
    size_t leader;
    size_t killed;

    (void)fixture_etcd(); /* skips where there is no etcd */
    etcd = etcd_fixture_start(3, false);
    EXPECT(etcd != NULL);
    control = fixture_open_endpoints(etcd_fixture_endpoints(etcd), "three", 30000);
    put(control, "k", "1");
    killed = etcd_fixture_leader(etcd);
    EXPECT(killed != SIZE_MAX);
    etcd_fixture_signal(etcd, killed, SIGKILL);
    put(control, "k", "2");
    EXPECT(etcd_fixture_start_member(etcd, killed));
    leader = etcd_fixture_leader(etcd);
    EXPECT(leader != SIZE_MAX && leader != killed);
    etcd_fixture_signal(etcd, leader, SIGSTOP);
    put(control, "k", "3");
    etcd_fixture_signal(etcd, leader, SIGCONT);
    put(control, "k", "4");
    fixture_wait_list(control, "", "k=4 ");
    control_close(&control);
    etcd_fixture_stop(&etcd);
}

/* ---- sessions ---- */

struct told {
    pthread_mutex_t lock;
    int lost_count;  /* guarded by lock */
    int found_count; /* guarded by lock */
};

static void
session_changed(bool is_held, void *arg)
{
    struct told *told = arg;

    pthread_mutex_lock(&told->lock);
    told->lost_count += is_held ? 0 : 1;
    told->found_count += is_held ? 1 : 0;
    pthread_mutex_unlock(&told->lock);
}

static int
found_count(struct told *told)
{
    int count;

    pthread_mutex_lock(&told->lock);
    count = told->found_count;
    pthread_mutex_unlock(&told->lock);
    return count;
}

/* A node that leads, in a process of its own.  Says 'r' when it leads; when told to go on, 'g' if
 * what it believed before holds no more and its session came back. */
static void
be_stopped_leader(const char *cluster, int to_parent, int from_parent)
{
    struct told told = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct control_session_options options = {
        .ttl_ms = CONTROL_SESSION_TTL_MIN_MS, .changed = session_changed, .arg = &told};
    struct control_leader_options candidate = {.key = "leader", .value = BYTES_LITERAL("child")};
    struct control *control = fixture_open_etcd(cluster);
    struct control_session *session;
    struct control_leader *leader;
    struct control_guard guard;
    bool is_good;
    char byte;

    CHECK(control_session_open(control, &options, &session, NULL) == ST_OK);
    CHECK(control_session_put(session, BYTES_LITERAL("node/child"), BYTES_LITERAL("up"),
                              CONTROL_MUST_NOT_EXIST, NULL, NULL) == ST_OK);
    CHECK(control_leader_campaign(session, &candidate, &leader, NULL) == ST_OK);
    fixture_wait_leader(leader, &guard);
    CHECK(write(to_parent, "r", 1) == 1);
    /* Here it is stopped for longer than its lease lives. */
    CHECK(read(from_parent, &byte, 1) == 1);
    is_good = control_put_as_leader(control, &guard, BYTES_LITERAL("map"), BYTES_LITERAL("old"),
                                    CONTROL_ANY_REVISION, NULL, NULL) == ST_MOVED;
    while (found_count(&told) == 0) {
        poll(NULL, 0, 5);
    }
    is_good = is_good && told.lost_count == 1 && told.found_count == 1 &&
              control_session_is_confirmed_within(session, options.ttl_ms * CLOCK_NS_PER_MS);
    CHECK(write(to_parent, is_good ? "g" : "b", 1) == 1);
    CHECK(read(from_parent, &byte, 1) == 1);
    control_leader_resign(&leader);
    control_session_close(&session);
    control_close(&control);
    _exit(0);
}

static char
read_byte(int fd)
{
    char byte = '\0';

    EXPECT_INT(1, read(fd, &byte, 1));
    return byte;
}

/* The values of a stopped process end with its lease; another leads; what the former leader then
 * tries is refused; its session comes back with its values. */
TEST(stopped_process_loses_its_lease_and_its_leadership)
{
    struct control_session_options options = {.ttl_ms = CONTROL_SESSION_TTL_MIN_MS};
    struct control_leader_options candidate = {.key = "leader", .value = BYTES_LITERAL("parent")};
    struct control_session *session = NULL;
    struct control_leader *leader = NULL;
    struct control_guard guard;
    struct control *control;
    char *cluster;
    int to_child[2];
    int to_parent[2];
    pid_t child;

    (void)fixture_etcd();
    cluster = xstrdup(fixture_cluster());
    EXPECT(pipe(to_child) == 0 && pipe(to_parent) == 0);
    child = fork();
    if (child == 0) {
        be_stopped_leader(cluster, to_parent[1], to_child[0]);
    }
    EXPECT(child > 0);
    EXPECT_INT('r', read_byte(to_parent[0]));
    control = fixture_open_etcd(cluster);
    fixture_wait_list(control, "", "leader=child node/child=up ");
    EXPECT_INT(0, kill(child, SIGSTOP));
    fixture_wait_list(control, "", "");
    EXPECT_OK(control_session_open(control, &options, &session, &err), &err);
    EXPECT_OK(control_leader_campaign(session, &candidate, &leader, &err), &err);
    fixture_wait_leader(leader, &guard);
    EXPECT_OK(control_put_as_leader(control, &guard, BYTES_LITERAL("map"), BYTES_LITERAL("new"),
                                    CONTROL_MUST_NOT_EXIST, NULL, &err),
              &err);
    EXPECT_INT(0, kill(child, SIGCONT));
    EXPECT_INT(1, write(to_child[1], "c", 1));
    EXPECT_INT('g', read_byte(to_parent[0]));
    fixture_wait_list(control, "", "leader=parent map=new node/child=up ");
    EXPECT_INT(1, write(to_child[1], "e", 1));
    EXPECT(waitpid(child, NULL, 0) == child);
    control_leader_resign(&leader);
    control_session_close(&session);
    fixture_wait_list(control, "", "map=new ");
    control_close(&control);
    free(cluster);
    for (int i = 0; i < 2; i++) {
        close(to_child[i]);
        close(to_parent[i]);
    }
}

/* ---- refusals at the door ---- */

static void
expect_open(enum status expected, const char *text, struct control_etcd_options options)
{
    struct control *control = NULL;

    options.open_timeout_ms = options.open_timeout_ms != 0 ? options.open_timeout_ms : 500;
    options.cluster = options.cluster != NULL ? options.cluster : "c";
    EXPECT_STATUS(expected, control_open_etcd(&options, &control, &err));
    EXPECT(control == NULL);
    if (strstr(err.text, text) == NULL) {
        test_failed(__FILE__, __LINE__, "'%s' is not in: %s", text, err.text);
    }
}

/* Who can change etcd's traffic owns the cluster. */
TEST(plain_http_to_another_machine_needs_a_word)
{
    static const char *const FOREIGN[] = {"http://192.0.2.1:2379", "http://etcd.example:2379",
                                          "http://127.0.0.1.example:2379", "http://[2001:db8::1]:1",
                                          "https://127.0.0.1:1,http://192.0.2.1:1"};
    static const char *const BROKEN[] = {
        "",        "127.0.0.1:2379",           "ftp://127.0.0.1",
        "http://", "http://127.0.0.1:2379/v3", "http://user@127.0.0.1:2379"};

    for (size_t i = 0; i < ARRAY_COUNT(FOREIGN); i++) {
        expect_open(ST_INVALID, "insecure", (struct control_etcd_options){.endpoints = FOREIGN[i]});
    }
    for (size_t i = 0; i < ARRAY_COUNT(BROKEN); i++) {
        expect_open(ST_INVALID, "address of etcd",
                    (struct control_etcd_options){.endpoints = BROKEN[i]});
    }
    expect_open(ST_INVALID, "cluster's name",
                (struct control_etcd_options){.endpoints = "http://127.0.0.1:1", .cluster = "a/b"});
    expect_open(ST_INVALID, "node's id",
                (struct control_etcd_options){.endpoints = "http://127.0.0.1:1", .client_id = ""});
    expect_open(
        ST_INVALID, "cannot be read",
        (struct control_etcd_options){.endpoints = "https://127.0.0.1:1", .ca_file = "/proc/none"});
    expect_open(ST_UNAVAILABLE, "127.0.0.1",
                (struct control_etcd_options){.endpoints = "http://127.0.0.1:1"});
}

TEST(tls_is_verified_on_both_sides)
{
    struct control_etcd_options options = {.cluster = "tls", .open_timeout_ms = 2000};
    struct etcd_fixture *etcd;
    struct control *control = NULL;
    char *ca;
    char *other_ca;
    char *certificate;
    char *key;

    (void)fixture_etcd();
    etcd = etcd_fixture_start(1, true);
    EXPECT(etcd != NULL);
    ca = xstrdup(etcd_fixture_file(etcd, "ca.pem"));
    other_ca = xstrdup(etcd_fixture_file(etcd, "other-ca.pem"));
    certificate = xstrdup(etcd_fixture_file(etcd, "client.pem"));
    key = xstrdup(etcd_fixture_file(etcd, "client.key"));
    options.endpoints = etcd_fixture_endpoints(etcd);
    options.ca_file = ca;
    options.certificate_file = certificate;
    options.key_file = key;
    EXPECT_OK(control_open_etcd(&options, &control, &err), &err);
    put(control, "k", "1");
    control_close(&control);
    options.ca_file = other_ca;
    expect_open(ST_DENIED, "certificate", options);
    options.ca_file = ca;
    options.certificate_file = NULL;
    expect_open(ST_INVALID, "together", options);
    options.key_file = NULL;
    expect_open(ST_UNAVAILABLE, "https://", options); /* the server hangs up on the nameless */
    etcd_fixture_stop(&etcd);
    free(ca);
    free(other_ca);
    free(certificate);
    free(key);
}

/* ---- a server that is not etcd ---- */

struct liar {
    int listener;
    uint16_t port;
    const char *body; /* of every answer */
};

static void *
lie(void *arg)
{
    struct liar *liar = arg;
    int fd;

    while ((fd = accept(liar->listener, NULL, NULL)) >= 0) {
        char request[4096];
        char head[128];
        int size = snprintf(head, sizeof(head),
                            "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                            strlen(liar->body));

        if (recv(fd, request, sizeof(request), 0) > 0) {
            (void)!send(fd, head, (size_t)size, MSG_NOSIGNAL);
            (void)!send(fd, liar->body, strlen(liar->body), MSG_NOSIGNAL);
        }
        shutdown(fd, SHUT_WR);
        while (recv(fd, request, sizeof(request), 0) > 0) {
        }
        close(fd);
    }
    return NULL;
}

static void
expect_lie_refused(const char *body, const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    struct liar liar = {.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .body = body};
    char *endpoint;
    pthread_t thread;

    CHECK(bind(liar.listener, (struct sockaddr *)&address, size) == 0);
    CHECK(listen(liar.listener, 8) == 0);
    CHECK(getsockname(liar.listener, (struct sockaddr *)&address, &size) == 0);
    endpoint = xasprintf("http://127.0.0.1:%u", ntohs(address.sin_port));
    CHECK(pthread_create(&thread, NULL, lie, &liar) == 0);
    expect_open(ST_CORRUPT, text, (struct control_etcd_options){.endpoints = endpoint});
    shutdown(liar.listener, SHUT_RDWR);
    CHECK(pthread_join(thread, NULL) == 0);
    close(liar.listener);
    free(endpoint);
}

#define HEADER "{\"header\":{\"cluster_id\":\"1\",\"revision\":\"9\"},"
/* /lode/c/value/a and /lode/c/value/b */
#define KEY_A "\"key\":\"L2xvZGUvYy92YWx1ZS9h\""
#define KEY_B "\"key\":\"L2xvZGUvYy92YWx1ZS9i\""

/* Foreign bytes get a status: no assertion, no values that nobody put. */
TEST(answers_that_make_no_sense_are_refused)
{
    expect_lie_refused("", "not a JSON object");
    expect_lie_refused("hello", "not a JSON object");
    expect_lie_refused("{\"header\":{\"revision\":\"-1\"}}", "not a number");
    expect_lie_refused(HEADER "\"kvs\":{}}", "not a list");
    expect_lie_refused(HEADER "\"kvs\":[1]}", "no key");
    expect_lie_refused(HEADER "\"kvs\":[{\"key\":\"%%\",\"mod_revision\":\"3\"}]}", "not base64");
    expect_lie_refused(HEADER "\"kvs\":[{\"key\":\"YQ==\",\"mod_revision\":\"3\"}]}",
                       "not asked for");
    expect_lie_refused(HEADER "\"kvs\":[{" KEY_B ",\"mod_revision\":\"3\"},{" KEY_A
                              ",\"mod_revision\":\"3\"}]}",
                       "not asked for");
    expect_lie_refused(HEADER "\"kvs\":[{" KEY_A ",\"mod_revision\":\"3\"},{" KEY_A
                              ",\"mod_revision\":\"3\"}]}",
                       "not asked for");
    expect_lie_refused(HEADER "\"kvs\":[{" KEY_A ",\"mod_revision\":\"10\"}]}", "to come");
}
