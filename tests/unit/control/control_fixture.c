/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/control/control_fixture.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/memory.h"

#include "base/banned.h"

#define WAIT_S 60
#define POLL_MS 5

static struct error err;
static struct etcd_fixture *etcd;

struct control *
fixture_open_local(void)
{
    struct control *control = NULL;
    char *directory = xasprintf("%s/control", test_directory());

    EXPECT_OK(control_open_local(directory, &control, &err), &err);
    free(directory);
    return control;
}

static void
stop_etcd(void)
{
    etcd_fixture_stop(&etcd);
}

struct etcd_fixture *
fixture_etcd(void)
{
    if (!etcd_fixture_is_installed()) {
        test_skip("no etcd; tools/install-packages test");
    }
    if (etcd == NULL) {
        etcd = etcd_fixture_start(1, false);
        EXPECT(etcd != NULL);
        atexit(stop_etcd);
    }
    return etcd;
}

const char *
fixture_cluster(void)
{
    static char name[32];

    snprintf(name, sizeof(name), "test-%016llx", (unsigned long long)entropy_u64());
    return name;
}

struct control *
fixture_open_endpoints(const char *endpoints, const char *cluster, int64_t change_timeout_ms)
{
    struct control_etcd_options options = {
        .endpoints = endpoints, .cluster = cluster, .change_timeout_ms = change_timeout_ms};
    struct control *control = NULL;

    EXPECT_OK(control_open_etcd(&options, &control, &err), &err);
    return control;
}

struct control *
fixture_open_etcd(const char *cluster)
{
    return fixture_open_endpoints(etcd_fixture_endpoints(fixture_etcd()), cluster, 0);
}

static enum status
append_value(const struct control_value *value, void *arg, struct error *error)
{
    buffer_printf(arg, "%.*s=%.*s ", BYTES_ARGS(value->key), BYTES_ARGS(value->value));
    return ST_OK;
}

void
fixture_wait_list(struct control *control, const char *prefix, const char *expected)
{
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_S * CLOCK_NS_PER_S;
    struct buffer found = BUFFER_INIT;

    for (;;) {
        buffer_clear(&found);
        EXPECT_OK(control_list(control, bytes_of_string(prefix), append_value, &found, &err), &err);
        if (bytes_equal_string(buffer_bytes(&found), expected) ||
            clock_monotonic_ns() > deadline_ns) {
            break;
        }
        poll(NULL, 0, POLL_MS);
    }
    EXPECT_BYTES(bytes_of_string(expected), buffer_bytes(&found));
    buffer_release(&found);
}

void
fixture_wait_leader(struct control_leader *leader, struct control_guard *ret_guard)
{
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_S * CLOCK_NS_PER_S;

    while (!control_leader_is_leader(leader, ret_guard)) {
        EXPECT(clock_monotonic_ns() < deadline_ns);
        poll(NULL, 0, POLL_MS);
    }
}
