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
#include "cluster/cluster_map_codec.h"

#include "base/banned.h"

/* 71 random bits: enough that no two clusters meet. */
#define GENERATED_ID_CHARACTERS 12
#define NOTE_FILE "cluster.json"
#define NOTE_BYTES_MAX 4096

void
cluster_identity_wipe(struct cluster_identity *identity)
{
    memory_wipe(identity, sizeof(*identity));
}

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
    json_t *root_key = NULL;
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
        st = get_json(control, CLUSTER_ROOT_KEY, &arena, &root_key, err);
    }
    if (st == ST_OK) {
        st = copy_text(identity.root_access_key, CLUSTER_ROOT_TEXT_MAX,
                       json_object_get(root_key, "access_key"), CLUSTER_ROOT_KEY, err);
    }
    if (st == ST_OK) {
        st = copy_text(identity.root_secret_key, CLUSTER_ROOT_TEXT_MAX,
                       json_object_get(root_key, "secret_key"), CLUSTER_ROOT_KEY, err);
    }
    if (st == ST_OK) {
        *ret_identity = identity;
    }
    cluster_identity_wipe(&identity);
    json_decref(id);
    json_decref(root_key);
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

/* All of it or, where another node was first, nothing: ST_CONFLICT. */
static enum status
create(struct control *control, const char *access_key, const char *secret_key, struct error *err)
{
    char id[CLUSTER_ID_BYTES_MAX + 1];
    struct buffer id_json = BUFFER_INIT;
    struct buffer root_json = BUFFER_INIT;
    struct buffer key_json = BUFFER_INIT;
    enum status st;

    generate_id(id);
    buffer_printf(&id_json, "{\"format\":%d,\"id\":\"%s\"}", CLUSTER_FORMAT, id);
    buffer_printf(&root_json, "{\"access_key\":\"%s\",\"secret_key\":\"%s\"}", access_key,
                  secret_key);
    cluster_key_generate(1, &key_json);
    {
        struct control_change changes[] = {
            {.action = CONTROL_PUT,
             .key = BYTES_LITERAL(CLUSTER_ID_KEY),
             .value = buffer_bytes(&id_json)},
            {.action = CONTROL_PUT,
             .key = BYTES_LITERAL(CLUSTER_ROOT_KEY),
             .value = buffer_bytes(&root_json)},
            {.action = CONTROL_PUT,
             .key = BYTES_LITERAL(CLUSTER_KEY_PREFIX "1"),
             .value = buffer_bytes(&key_json)},
        };

        st = control_commit(control, changes, 3, NULL, NULL, err);
    }
    memory_wipe(root_json.data, root_json.size);
    memory_wipe(key_json.data, key_json.size);
    buffer_release(&id_json);
    buffer_release(&root_json);
    buffer_release(&key_json);
    return st;
}

enum status
cluster_identity_ensure(struct control *control, const char *root_access_key,
                        const char *root_secret_key, struct cluster_identity *ret_identity,
                        struct error *err)
{
    enum status st = cluster_identity_read(control, ret_identity, err);

    if (st != ST_NOT_FOUND) {
        return st;
    }
    if (!cluster_address_is_valid(bytes_of_string(root_access_key)) ||
        !cluster_address_is_valid(bytes_of_string(root_secret_key))) {
        return fail(err, ST_INVALID,
                    "The root keys of a cluster consist of printable characters without quotes, "
                    "backslashes and spaces");
    }
    st = create(control, root_access_key, root_secret_key, err);
    if (st == ST_OK) {
        st = cluster_identity_read(control, ret_identity, err);
        ret_identity->is_new = st == ST_OK;
    } else if (st == ST_CONFLICT) {
        st = control_refresh(control, BYTES_LITERAL(CLUSTER_ID_KEY), err);
        if (st == ST_OK) {
            st = control_refresh(control, BYTES_LITERAL(CLUSTER_ROOT_KEY), err);
        }
        if (st == ST_OK) {
            st = cluster_identity_read(control, ret_identity, err);
        }
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
