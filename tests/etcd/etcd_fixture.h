/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real etcd cluster on loopback: members as child processes on free ports, in a directory that is
 * removed at the end.  Members die with this process, whatever its end.  For unit tests, and for
 * tests/etcd/etcd_cluster.c, which scripts use.  One thread.
 */
#ifndef TESTS_ETCD_ETCD_FIXTURE_H
#define TESTS_ETCD_ETCD_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ETCD_FIXTURE_MEMBER_MAX 3

struct etcd_fixture;

/* Is there an etcd to be started?  LODE_TEST_ETCD names another binary than Debian's. */
bool etcd_fixture_is_installed(void);
/* member_count members that serve; NULL with a line on standard error if they do not. */
struct etcd_fixture *etcd_fixture_start(size_t member_count, bool is_tls);
void etcd_fixture_stop(struct etcd_fixture **take_fixture);

/* URL[,URL]; of one member; borrowed. */
const char *etcd_fixture_endpoints(const struct etcd_fixture *fixture);
const char *etcd_fixture_endpoint(const struct etcd_fixture *fixture, size_t member);
/* With TLS: "ca.pem", "client.pem", "client.key", "other-ca.pem" in the fixture's directory;
 * borrowed until the next call. */
const char *etcd_fixture_file(struct etcd_fixture *fixture, const char *name);

/* SIGKILL, SIGSTOP, SIGCONT ... and, for those that end it, wait for the end. */
void etcd_fixture_signal(struct etcd_fixture *fixture, size_t member, int number);
/* A member that was killed, over its old data; returns when it serves. */
bool etcd_fixture_start_member(struct etcd_fixture *fixture, size_t member);
/* Which member leads?  SIZE_MAX: none says so. */
size_t etcd_fixture_leader(struct etcd_fixture *fixture);
/* POST body to a path of a member, answer as text (caller frees), NULL: none or not 200. */
char *etcd_fixture_post(struct etcd_fixture *fixture, size_t member, const char *path,
                        const char *body);
/* Drop all revisions up to the newest. */
bool etcd_fixture_compact(struct etcd_fixture *fixture);

#endif
