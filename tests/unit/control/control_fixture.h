/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control stores for tests: a local one in the test's directory, or a cluster of its own in one
 * etcd that serves all tests of a program and ends with it.  One thread.
 */
#ifndef TESTS_UNIT_CONTROL_CONTROL_FIXTURE_H
#define TESTS_UNIT_CONTROL_CONTROL_FIXTURE_H

#include "control/control_etcd.h"
#include "control/control_leader.h"
#include "tests/etcd/etcd_fixture.h"
#include "tests/unit/test.h"

/* NAME_local and NAME_etcd; the body sees `struct control *control`. */
#define BOTH_DRIVERS(test_name)                                                                    \
    static void test_name(struct control *control);                                                \
    TEST(test_name##_local)                                                                        \
    {                                                                                              \
        struct control *control = fixture_open_local();                                            \
        test_name(control);                                                                        \
        control_close(&control);                                                                   \
    }                                                                                              \
    TEST(test_name##_etcd)                                                                         \
    {                                                                                              \
        struct control *control = fixture_open_etcd(fixture_cluster());                            \
        test_name(control);                                                                        \
        control_close(&control);                                                                   \
    }                                                                                              \
    static void test_name(struct control *control)

struct control *fixture_open_local(void);
/* The etcd of the program; skips the test where there is none. */
struct etcd_fixture *fixture_etcd(void);
/* A name that no other test uses. */
const char *fixture_cluster(void);
struct control *fixture_open_etcd(const char *cluster);
/* Any etcd, with change_timeout_ms (0: the default). */
struct control *fixture_open_endpoints(const char *endpoints, const char *cluster,
                                       int64_t change_timeout_ms);

/* Wait, for a minute at most, until the values are "key=value key=value "; fails the test. */
void fixture_wait_list(struct control *control, const char *prefix, const char *expected);
void fixture_wait_leader(struct control_leader *leader, struct control_guard *ret_guard);

#endif
