/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/cluster_identity.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "base/entropy.h"
#include "base/memory.h"
#include "cluster/cluster_key.h"

#include "base/banned.h"

/* 71 random bits: enough that no two clusters meet. */
#define GENERATED_ID_CHARACTERS 12
#define NOTE_FILE "cluster.json"
#define NOTE_BYTES_MAX 4096

static enum status
copy_text(char *out, size_t size_max, const json_t *text, const char *what, struct error *err)
{
    size_t size = json_string_length(text);

    if (!json_is_string(text) || size == 0 || size > size_max) {
        return fail(err, ST_CORRUPT, "The control value %s is no such document", what);
    }
    memcpy(out, json_string_value(text), size + 1);
    return ST_OK;
}

static enum status
get_json(struct control *control, const char *key, struct arena *arena, json_t **ret_json,
         struct error *err)
{
    struct control_value value;
    enum status st = control_get(control, bytes_of_string(key), arena, &value, err);

    if (st != ST_OK) {
        return st;
    }
    *ret_json = json_loadb(value.value.data, value.value.size, JSON_REJECT_DUPLICATES, NULL);
    return *ret_json != NULL ? ST_OK
                             : fail(err, ST_CORRUPT, "The control value %s is no JSON", key);
}

enum status
cluster_identity_read(struct control *control, struct cluster_identity *ret_identity,
                      struct error *err)
{
    struct cluster_identity identity = {.is_new = false};
    struct arena arena = ARENA_INIT;
    json_t *id = NULL;
    json_int_t format;
    enum status st = get_json(control, CLUSTER_ID_KEY, &arena, &id, err);

    format = json_integer_value(json_object_get(id, "format"));
    if (st == ST_OK && format != CLUSTER_FORMAT) {
        st = fail(err, ST_NOT_IMPLEMENTED,
                  "etcd holds a cluster of format %" JSON_INTEGER_FORMAT
                  ", this loded knows format %d: install the release that its other nodes run",
                  format, CLUSTER_FORMAT);
    }
    if (st == ST_OK) {
        st = copy_text(identity.id, CLUSTER_ID_BYTES_MAX, json_object_get(id, "id"), CLUSTER_ID_KEY,
                       err);
    }
    if (st == ST_OK && !cluster_id_is_valid(bytes_of_string(identity.id))) {
        st = fail(err, ST_CORRUPT, "The control value " CLUSTER_ID_KEY " is no such document");
    }
    if (st == ST_OK) {
        *ret_identity = identity;
    }
    json_decref(id);
    arena_release(&arena);
    return st;
}

static void
generate_id(char *out)
{
    static const char ALPHABET[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    for (size_t i = 0; i < GENERATED_ID_CHARACTERS; i++) {
        out[i] = ALPHABET[entropy_u64() % (sizeof(ALPHABET) - 1)];
    }
    out[GENERATED_ID_CHARACTERS] = '\0';
}

void
cluster_identity_make(struct arena *arena, char ret_id[CLUSTER_ID_BYTES_MAX + 1],
                      struct control_change ret_changes[CLUSTER_IDENTITY_CHANGES])
{
    struct buffer key = BUFFER_INIT;

    generate_id(ret_id);
    cluster_key_generate(1, true, &key);
    ret_changes[0] =
        (struct control_change){.action = CONTROL_PUT,
                                .key = BYTES_LITERAL(CLUSTER_ID_KEY),
                                .value = arena_printf_bytes(arena, "{\"format\":%d,\"id\":\"%s\"}",
                                                            CLUSTER_FORMAT, ret_id)};
    ret_changes[1] = (struct control_change){.action = CONTROL_PUT,
                                             .key = BYTES_LITERAL(CLUSTER_KEY_PREFIX "1"),
                                             .value = arena_copy(arena, buffer_bytes(&key))};
    memory_wipe(key.data, key.size);
    buffer_release(&key);
}

/* All of it or, where another node was first, nothing: ST_CONFLICT. */
static enum status
create(struct control *control, struct error *err)
{
    struct arena arena = ARENA_INIT;
    char id[CLUSTER_ID_BYTES_MAX + 1];
    struct control_change changes[CLUSTER_IDENTITY_CHANGES + 1];
    enum status st;

    cluster_identity_make(&arena, id, changes);
    changes[CLUSTER_IDENTITY_CHANGES] = (struct control_change){
        .action = CONTROL_COMPARE, .key = BYTES_LITERAL(CLUSTER_IMPORT_KEY)};
    st = control_commit(control, changes, CLUSTER_IDENTITY_CHANGES + 1, NULL, NULL, err);
    memory_wipe((char *)(uintptr_t)changes[1].value.data, changes[1].value.size);
    arena_release(&arena);
    return st;
}

enum status
cluster_identity_ensure(struct control *control, struct cluster_identity *ret_identity,
                        struct error *err)
{
    enum status st = cluster_identity_read(control, ret_identity, err);
    bool is_new = false;

    if (st != ST_NOT_FOUND) {
        return st;
    }
    st = create(control, err);
    if (st == ST_OK) {
        is_new = true;
    } else if (st == ST_CONFLICT) {
        st = control_refresh(control, BYTES_LITERAL(CLUSTER_ID_KEY), err);
    }
    if (st == ST_OK) {
        st = cluster_identity_read(control, ret_identity, err);
    }
    if (st == ST_NOT_FOUND) {
        st = fail(err, ST_UNAVAILABLE,
                  "The values of a single node are being taken into this cluster by loded "
                  "--init-cluster: start this node when that is done");
    }
    if (st == ST_OK) {
        ret_identity->is_new = is_new;
    }
    return st;
}

/* ---- the node's note ---- */

enum status
cluster_note_read(const char *data_directory, struct cluster_note *ret_note, struct error *err)
{
    struct cluster_note note = {.map_version = 0};
    char *path = xasprintf("%s/" NOTE_FILE, data_directory);
    json_t *root = NULL;
    enum status st = ST_OK;

    if (access(path, F_OK) == 0) {
        json_t *version;

        root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
        version = json_object_get(root, "map_version");
        st = copy_text(note.id, CLUSTER_ID_BYTES_MAX, json_object_get(root, "cluster"), path, err);
        if (st == ST_OK && (!json_is_integer(version) || json_integer_value(version) < 0)) {
            st = fail(err, ST_CORRUPT, "%s is no such document", path);
        }
        note.map_version = (uint64_t)json_integer_value(version);
    }
    if (st == ST_OK) {
        *ret_note = note;
    }
    json_decref(root);
    free(path);
    return st;
}

enum status
cluster_note_write(const char *data_directory, const struct cluster_note *note, struct error *err)
{
    char *path = xasprintf("%s/" NOTE_FILE, data_directory);
    char *temporary = xasprintf("%s.new", path);
    char text[NOTE_BYTES_MAX];
    int size = snprintf(text, sizeof(text), "{\"cluster\":\"%s\",\"map_version\":%" PRIu64 "}\n",
                        note->id, note->map_version);
    enum status st = ST_OK;
    int directory = open(data_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd == -1 || directory == -1 || write(fd, text, (size_t)size) != size || fsync(fd) != 0 ||
        rename(temporary, path) != 0 || fsync(directory) != 0) {
        st = fail_errno(err, ST_IO, "%s cannot be written", path);
    }
    if (fd != -1) {
        close(fd);
    }
    if (directory != -1) {
        close(directory);
    }
    free(temporary);
    free(path);
    return st;
}
