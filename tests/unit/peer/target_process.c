/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/peer/target_process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/memory.h"
#include "object/bucket_value.h"
#include "object/object_list.h"
#include "object/ownership.h"
#include "object/rebalance.h"
#include "object/rebalance_cleanup.h"
#include "tests/unit/peer/cluster_fixture.h"
#include "tests/unit/peer/target_uploads.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define BUCKET "photos"
/* A round takes seconds, under the sanitizers on a busy machine ten times that. */
#define PROCESS_S_MAX 180
#define LIST_PAGE 7

struct target {
    struct cluster_fixture cluster;
    struct test_node *node;
    struct bucket bucket;
};

/* ---- in the child ---- */

static void
use_shape(struct target *target, const struct target_command *command, struct target_reply *reply)
{
    struct ownership *ownership = object_store_ownership(target->node->store);
    struct cluster_map *map = map_shape_create(&command->shape);
    struct error err = ERROR_INIT;

    switch (command->verb) {
    case TARGET_STOP:
        reply->status = ownership_target_ops.stop_admitting(ownership, map, &err);
        break;
    case TARGET_ACTIVATE:
        reply->status = ownership_target_ops.activate(ownership, map, &err);
        cluster_fixture_use_map(&target->cluster, target->node, map);
        cluster_fixture_use_map(&target->cluster, NULL, map);
        break;
    default:
        reply->status = ownership_target_ops.holds_barrier(ownership, map, &reply->is_done, &err);
        break;
    }
    snprintf(reply->text, sizeof(reply->text), "%.200s", err.text);
    cluster_map_unref(map);
}

static void
do_put(struct target *target, const struct target_command *command, struct target_reply *reply)
{
    struct buffer data = BUFFER_INIT;
    struct error err = ERROR_INIT;

    fixture_fill(&data, command->size, command->number);
    reply->status = fixture_put(&target->bucket, command->text, buffer_bytes(&data), &err);
    snprintf(reply->text, sizeof(reply->text), "%.200s", err.text);
    buffer_release(&data);
}

/* The content is told from its first number: number and number + 1 are looked at. */
static void
do_get(struct target *target, const struct target_command *command, struct target_reply *reply)
{
    struct buffer expected = BUFFER_INIT;
    struct buffer found = BUFFER_INIT;
    struct error err = ERROR_INIT;

    reply->status = fixture_get(&target->bucket, command->text, &found, &err);
    for (uint64_t number = command->number; number < command->number + 2; number++) {
        fixture_fill(&expected, command->size, number);
        if (bytes_equal(buffer_bytes(&expected), buffer_bytes(&found))) {
            reply->number = number;
        }
    }
    snprintf(reply->text, sizeof(reply->text), "%.200s", err.text);
    buffer_release(&expected);
    buffer_release(&found);
}

struct names {
    struct target_reply *reply;
    struct buffer last;
};

static void
found_name(struct bytes name, const struct object_record *record, void *arg)
{
    struct names *names = arg;

    (void)record;
    CHECK(bytes_compare(buffer_bytes(&names->last), name) < 0);
    buffer_clear(&names->last);
    buffer_append_bytes(&names->last, name);
    names->reply->number++;
    names->reply->names_hash = hash_stable(name, names->reply->names_hash);
}

static void
do_list(struct target *target, struct target_reply *reply)
{
    struct names names = {.reply = reply};
    struct object_list_result result = {.is_truncated = true};
    struct error err = ERROR_INIT;

    while (reply->status == ST_OK && result.is_truncated) {
        struct arena arena = ARENA_INIT;
        struct object_list_options options = {.prefix = BYTES_LITERAL(""),
                                              .delimiter = BYTES_LITERAL(""),
                                              .after =
                                                  arena_copy(&arena, buffer_bytes(&names.last)),
                                              .is_continued = names.last.size > 0,
                                              .count_max = LIST_PAGE};

        reply->status =
            object_list(&target->bucket, &options, found_name, &names, &arena, &result, &err);
        arena_release(&arena);
    }
    snprintf(reply->text, sizeof(reply->text), "%.200s", err.text);
    buffer_release(&names.last);
}

static void
do_complete(struct target *target, const struct target_command *command,
            const struct target_reply *upload, struct target_reply *reply)
{
    const struct multipart_part chosen = {.number = 1, .etag = bytes_of_string(upload->etag)};
    const struct multipart_complete_options options = {.key = bytes_of_string(command->text),
                                                       .id = upload->id,
                                                       .parts = &chosen,
                                                       .part_count = 1,
                                                       .size = OBJECT_SIZE_UNKNOWN};
    struct object_put_result result;
    struct error err = ERROR_INIT;

    reply->status = multipart_complete(&target->bucket, &options, &result, &err);
    snprintf(reply->text, sizeof(reply->text), "%.200s", err.text);
}

static void
do_begin(struct target *target, const struct target_command *command, struct target_reply *reply)
{
    struct multipart_create_options options = {.key = bytes_of_string(command->text)};
    struct object_put_result part;
    struct buffer data = BUFFER_INIT;
    struct error err = ERROR_INIT;

    fixture_fill(&data, command->size, command->number);
    EXPECT_OK(multipart_create(&target->bucket, &options, &reply->id, &err), &err);
    EXPECT_OK(fixture_part(&target->bucket, command->text, reply->id, 1, buffer_bytes(&data), &part,
                           &err),
              &err);
    snprintf(reply->etag, sizeof(reply->etag), "%s", part.etag);
    buffer_release(&data);
}

static uint64_t
count_family(struct test_node *node, enum family family)
{
    struct home *home = store_home_at(object_store_store(node->store), 0);
    struct meta_iterator *iterator =
        meta_iterator_open(home_db(home), &(struct meta_scan){.family = family});
    uint64_t count = 0;

    for (meta_iterator_seek(iterator, BYTES_LITERAL("")); meta_iterator_is_valid(iterator);
         meta_iterator_next(iterator)) {
        count++;
    }
    meta_iterator_close(&iterator);
    return count;
}

static void
do_check(struct target *target, struct target_reply *reply)
{
    struct object_fixture objects = {.store = target->node->store};
    struct fsck_summary summary;

    fixture_free_dropped(&objects);
    fixture_check(&objects, &(struct fsck_options){.verifies_bytes = true, .orphan_age_s = 3600},
                  &summary);
    for (int i = 0; i < FSCK_FINDING_COUNT; i++) {
        reply->number += summary.finding_counts[i];
    }
}

static void
do_cleanup(struct target *target, struct target_reply *reply)
{
    static const atomic_bool is_cancelled;
    const struct rebalance_cleanup_options options = {.is_forced = true,
                                                      .is_cancelled = &is_cancelled};
    struct rebalance_cleanup_result result;
    struct error err = ERROR_INIT;

    reply->status = rebalance_cleanup_run(target->node->store, &options, &result, &err);
    snprintf(reply->text, sizeof(reply->text), "%.200s", err.text);
    reply->number = result.removed_count;
    reply->mark_count = result.quarantined_count;
    reply->left_count = rebalance_cleanup_left_count(&result);
    rebalance_cleanup_result_release(&result);
}

static void
run_command(struct target *target, const struct target_command *command, struct target_reply *reply)
{
    static char point[sizeof(command->text)]; /* borrowed as long as it is armed */
    struct error err = ERROR_INIT;

    switch (command->verb) {
    case TARGET_ARM:
        memcpy(point, command->text, sizeof(point));
        fault_arm(point, command->number, 1, FAULT_ACTION_KILL);
        break;
    case TARGET_STOP:
    case TARGET_ACTIVATE:
    case TARGET_IS_DONE:
        use_shape(target, command, reply);
        break;
    case TARGET_REBALANCE:
        rebalance_start(object_store_rebalance(target->node->store));
        rebalance_notice(object_store_rebalance(target->node->store));
        break;
    case TARGET_PUT:
        do_put(target, command, reply);
        break;
    case TARGET_DELETE:
        reply->status = fixture_delete(&target->bucket, command->text, &err);
        snprintf(reply->text, sizeof(reply->text), "%.200s", err.text);
        break;
    case TARGET_GET:
        do_get(target, command, reply);
        break;
    case TARGET_LIST:
        do_list(target, reply);
        break;
    case TARGET_UPLOAD:
        do_begin(target, command, reply);
        do_complete(target, command, reply, reply);
        break;
    case TARGET_BEGIN:
        do_begin(target, command, reply);
        break;
    case TARGET_COMPLETE:
        reply->id = command->id;
        memcpy(reply->etag, command->etag, sizeof(reply->etag));
        do_complete(target, command, reply, reply);
        break;
    case TARGET_COUNT:
        reply->number = count_family(target->node, FAMILY_OBJECT);
        reply->mark_count = count_family(target->node, FAMILY_FORMER);
        reply->upload_count = count_family(target->node, FAMILY_UPLOAD);
        break;
    case TARGET_CREATE:
    case TARGET_FIND:
    case TARGET_PART:
    case TARGET_FINISH:
    case TARGET_ABORT:
    case TARGET_UPLOADS:
        target_uploads_run(target->node, &target->bucket, command, reply);
        break;
    case TARGET_CHECK:
        do_check(target, reply);
        break;
    case TARGET_CLEANUP:
        do_cleanup(target, reply);
        break;
    case TARGET_QUIT:
        break;
    }
}

static void
send_all(int fd, const void *data, size_t size)
{
    CHECK(send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size);
}

static void
target_open(struct target *target, const char *directory, size_t index,
            const struct map_shape *shape)
{
    struct target_command first = {.verb = TARGET_ACTIVATE, .shape = *shape};
    struct target_reply reply;
    struct bucket_properties properties;
    struct error err = ERROR_INIT;
    enum status st;
    bool is_own;

    cluster_fixture_open_target(&target->cluster, directory, index + 1);
    target->node = &target->cluster.nodes[0];
    bucket_properties_init(&properties);
    properties.chunk_bytes = FIXTURE_CHUNK_BYTES;
    st = bucket_create(target->node->store, principal_of_root(), BYTES_LITERAL(BUCKET), &properties,
                       &is_own, &err);
    CHECK(st == ST_OK || st == ST_EXISTS);
    EXPECT_OK(bucket_open(target->node->store, principal_of_root(), BYTES_LITERAL(BUCKET),
                          ACTION_PUT_OBJECT, &target->bucket, &err),
              &err);
    object_store_own_keys(target->node->store);
    use_shape(target, &first, &reply); /* nobody is answered without a map */
    cluster_fixture_start_server(target->node);
}

__attribute__((noreturn)) static void
child_main(int fd, const char *directory, size_t index, const struct map_shape *shape)
{
    struct target *target = xcalloc(1, sizeof(*target));
    struct target_command command = {.verb = TARGET_QUIT};
    struct target_reply reply = {.status = ST_OK};

    (void)alarm(PROCESS_S_MAX);
    target_open(target, directory, index, shape);
    reply.peer_port = target->node->peer_port;
    reply.public_port = target->node->public_port;
    send_all(fd, &reply, sizeof(reply));
    do {
        reply = (struct target_reply){.status = ST_OK};
        if (recv(fd, &command, sizeof(command), 0) != (ssize_t)sizeof(command)) {
            _exit(1); /* the test is gone */
        }
        run_command(target, &command, &reply);
        if (command.verb != TARGET_QUIT) {
            send_all(fd, &reply, sizeof(reply));
        }
    } while (command.verb != TARGET_QUIT);
    rebalance_stop(object_store_rebalance(target->node->store));
    bucket_close(&target->bucket);
    cluster_fixture_close(&target->cluster);
    send_all(fd, &reply, sizeof(reply));
    _exit(0);
}

/* ---- in the test ---- */

void
target_process_start(struct target_process *process, const char *directory, size_t index,
                     const struct map_shape *shape)
{
    struct target_reply reply;
    int fds[2];

    CHECK(process->pid == 0);
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
    fflush(stdout);
    process->pid = fork();
    CHECK(process->pid >= 0);
    if (process->pid == 0) {
        close(fds[0]);
        child_main(fds[1], directory, index, shape);
    }
    close(fds[1]);
    process->fd = fds[0];
    CHECK(recv(process->fd, &reply, sizeof(reply), 0) == (ssize_t)sizeof(reply));
    process->peer_port = reply.peer_port;
    process->public_port = reply.public_port;
}

bool
target_process_ask(struct target_process *process, const struct target_command *command,
                   struct target_reply *ret_reply)
{
    int status = 0;
    pid_t pid = process->pid;

    CHECK(pid != 0);
    if (send(process->fd, command, sizeof(*command), MSG_NOSIGNAL) == (ssize_t)sizeof(*command) &&
        recv(process->fd, ret_reply, sizeof(*ret_reply), 0) == (ssize_t)sizeof(*ret_reply)) {
        return true;
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    close(process->fd);
    process->pid = 0;
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        test_failed(__FILE__, __LINE__, "a target ended with wait status 0x%x", (unsigned)status);
    }
    return false;
}

void
target_process_quit(struct target_process *process)
{
    struct target_reply reply;
    pid_t pid = process->pid;
    int status = 0;

    CHECK(target_process_ask(process, &(struct target_command){.verb = TARGET_QUIT}, &reply));
    CHECK(waitpid(pid, &status, 0) == pid);
    close(process->fd);
    process->pid = 0;
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
