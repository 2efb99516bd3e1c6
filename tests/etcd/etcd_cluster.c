/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: etcd_cluster [MEMBERS] [--tls]
 *
 * A throw-away etcd cluster for scripts.  Prints its endpoints on one line (with TLS: and the
 * directory of ca.pem, client.pem, client.key on a second), then obeys lines of standard input:
 * "kill N", "stop N", "continue N", "start N", "leader", "compact"; each is answered by "ok", the
 * number asked for, or "failed".  Ends, with all members and their data, at the end of its input
 * or by SIGTERM.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "tests/etcd/etcd_fixture.h"

#include "base/banned.h"

static void
obey(struct etcd_fixture *fixture, const char *line)
{
    struct bytes rest = bytes_of(line, strcspn(line, "\n"));
    struct bytes word = bytes_cut(&rest, ' ');
    uint64_t member = 0;
    bool is_good =
        rest.size == 0 || bytes_parse_u64(rest, ETCD_FIXTURE_MEMBER_MAX - 1, &member) == ST_OK;

    if (!is_good) {
        printf("failed\n");
        return;
    }
    if (bytes_equal_string(word, "leader")) {
        size_t leader = etcd_fixture_leader(fixture);

        is_good = leader < ETCD_FIXTURE_MEMBER_MAX;
        if (is_good) {
            printf("%zu\n", leader);
        }
    } else if (bytes_equal_string(word, "compact")) {
        is_good = etcd_fixture_compact(fixture);
    } else if (bytes_equal_string(word, "kill")) {
        etcd_fixture_signal(fixture, member, SIGKILL);
    } else if (bytes_equal_string(word, "stop")) {
        etcd_fixture_signal(fixture, member, SIGSTOP);
    } else if (bytes_equal_string(word, "continue")) {
        etcd_fixture_signal(fixture, member, SIGCONT);
    } else if (bytes_equal_string(word, "start")) {
        is_good = etcd_fixture_start_member(fixture, member);
    } else {
        is_good = false;
    }
    if (!bytes_equal_string(word, "leader") || !is_good) {
        printf(is_good ? "ok\n" : "failed\n");
    }
}

/* Nothing to do: it ends the read of the next line, and with that the program. */
static void
end_reading(int number)
{
}

int
main(int argc, char **argv)
{
    bool is_tls = argc > 1 && strcmp(argv[argc - 1], "--tls") == 0;
    size_t count =
        argc > 1 && argv[1][0] >= '1' && argv[1][0] <= '3' ? (size_t)(argv[1][0] - '0') : 1;
    struct sigaction action = {.sa_handler = end_reading};
    struct etcd_fixture *fixture;
    char line[64];

    if (!etcd_fixture_is_installed()) {
        fprintf(stderr, "etcd_cluster: there is no etcd; tools/install-packages test\n");
        return 1;
    }
    fixture = etcd_fixture_start(count, is_tls);
    if (fixture == NULL) {
        return 1;
    }
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("%s\n", etcd_fixture_endpoints(fixture));
    if (is_tls) {
        printf("%s\n", etcd_fixture_file(fixture, ""));
    }
    while (fgets(line, sizeof(line), stdin) != NULL) {
        obey(fixture, line);
    }
    etcd_fixture_stop(&fixture);
    return 0;
}
