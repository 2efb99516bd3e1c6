/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/root_key.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/disk_sync.h"
#include "base/entropy.h"
#include "base/memory.h"

#include "base/banned.h"

/* As AWS's: 20 upper-case characters, and 40 letters and digits (238
 * random bits): nothing that a shell or an option parser takes for something else. */
#define ACCESS_KEY_CHARACTERS 20
#define SECRET_KEY_CHARACTERS 40

static void
generate_text(char *out, size_t size, const char *alphabet, size_t alphabet_size)
{
    for (size_t i = 0; i < size; i++) {
        out[i] = alphabet[entropy_u64() % alphabet_size];
    }
    out[size] = '\0';
}

static enum status
copy_key(char *out, const char *text, size_t size_min, const char *what, struct error *err)
{
    size_t size = strlen(text);

    if (size < size_min || size > ROOT_KEY_BYTES_MAX) {
        return fail(err, ST_INVALID, "%s must have %zu to %d characters", what, size_min,
                    ROOT_KEY_BYTES_MAX);
    }
    memcpy(out, text, size + 1);
    return ST_OK;
}

static enum status
load_environment(const char *access_key, const char *secret_key, struct root_key *key,
                 struct error *err)
{
    enum status st;

    if (access_key == NULL || secret_key == NULL) {
        return fail(err, ST_INVALID,
                    "LODE_ROOT_ACCESS_KEY and LODE_ROOT_SECRET_KEY must be set together");
    }
    st = copy_key(key->access_key, access_key, ROOT_ACCESS_KEY_BYTES_MIN, "LODE_ROOT_ACCESS_KEY",
                  err);
    if (st == ST_OK) {
        st = copy_key(key->secret_key, secret_key, ROOT_SECRET_KEY_BYTES_MIN,
                      "LODE_ROOT_SECRET_KEY", err);
    }
    key->is_environment = true;
    return st;
}

/* {"access_key": "...", "secret_key": "..."}; where says what to blame. */
static enum status
read_document(const json_t *document, const char *where, struct root_key *key, struct error *err)
{
    const char *access_key = json_string_value(json_object_get(document, "access_key"));
    const char *secret_key = json_string_value(json_object_get(document, "secret_key"));
    enum status st;

    if (access_key == NULL || secret_key == NULL) {
        return fail(err, ST_CORRUPT,
                    "%s does not hold an access_key and a secret_key; restore it, or set "
                    "LODE_ROOT_ACCESS_KEY and LODE_ROOT_SECRET_KEY",
                    where);
    }
    st = copy_key(key->access_key, access_key, ROOT_ACCESS_KEY_BYTES_MIN, where, err);
    return st != ST_OK
               ? st
               : copy_key(key->secret_key, secret_key, ROOT_SECRET_KEY_BYTES_MIN, where, err);
}

static enum status
load_file(const char *path, struct root_key *key, struct error *err)
{
    json_error_t where;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
    enum status st = read_document(root, path, key, err);

    json_decref(root);
    return st;
}

void
root_key_format(const struct root_key *key, struct buffer *text)
{
    buffer_printf(text, "{\"access_key\": \"%s\", \"secret_key\": \"%s\"}\n", key->access_key,
                  key->secret_key);
}

/* Complete and synced under its final name, or not there at all. */
static enum status
write_file(const char *data_directory, const char *path, const struct root_key *key,
           struct error *err)
{
    static const struct replace_steps STEPS = {"root_key_write", "root_key_sync", "root_key_rename",
                                               "root_key_directory_sync"};
    int directory = open(data_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct buffer text = BUFFER_INIT;
    enum status st = ST_OK;

    root_key_format(key, &text);
    if (directory == -1 ||
        replace_file(directory, strrchr(path, '/') + 1, buffer_bytes(&text), &STEPS) != 0) {
        st = fail_errno(err, ST_IO, "%s cannot be written", path);
    }
    if (directory != -1) {
        close(directory);
    }
    memory_wipe(text.data, text.size);
    buffer_release(&text);
    return st;
}

static enum status
generate(const char *data_directory, const char *path, struct root_key *key, struct error *err)
{
    static const char UPPER[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    static const char ALL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    generate_text(key->access_key, ACCESS_KEY_CHARACTERS, UPPER, 32);
    generate_text(key->secret_key, SECRET_KEY_CHARACTERS, ALL, 62);
    key->is_new = true;
    return write_file(data_directory, path, key, err);
}

enum status
root_key_load(const char *data_directory, struct root_key *ret_key, struct error *err)
{
    const char *access_key = getenv("LODE_ROOT_ACCESS_KEY");
    const char *secret_key = getenv("LODE_ROOT_SECRET_KEY");
    struct root_key key = {.is_new = false};
    char *path = xasprintf("%s/root-key.json", data_directory);
    enum status st;

    if (access_key != NULL || secret_key != NULL) {
        st = load_environment(access_key, secret_key, &key, err);
    } else if (access(path, F_OK) == 0) {
        st = load_file(path, &key, err);
    } else {
        st = generate(data_directory, path, &key, err);
    }
    if (st == ST_OK) {
        *ret_key = key;
    }
    root_key_wipe(&key);
    free(path);
    return st;
}

static enum status
load_value(struct control *control, struct root_key *key, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct control_value value;
    json_error_t where;
    json_t *root = NULL;
    enum status st = control_get(control, BYTES_LITERAL(ROOT_KEY_CONTROL_KEY), &arena, &value, err);

    if (st == ST_OK) {
        root = json_loadb(value.value.data, value.value.size, JSON_REJECT_DUPLICATES, &where);
        st = read_document(root, "the control value " ROOT_KEY_CONTROL_KEY, key, err);
        json_decref(root);
        memory_wipe((char *)(uintptr_t)value.value.data, value.value.size);
    }
    arena_release(&arena);
    return st;
}

enum status
root_key_share(struct control *control, const char *data_directory, struct root_key *root,
               struct error *err)
{
    struct buffer text = BUFFER_INIT;
    struct root_key shared = {.is_new = false};
    enum status st;

    if (root->is_environment) {
        return ST_OK;
    }
    st = load_value(control, &shared, err);
    if (st == ST_NOT_FOUND) {
        root_key_format(root, &text);
        st = control_put(control, BYTES_LITERAL(ROOT_KEY_CONTROL_KEY), buffer_bytes(&text),
                         CONTROL_MUST_NOT_EXIST, NULL, err);
        memory_wipe(text.data, text.size);
        buffer_release(&text);
        if (st == ST_OK) {
            return ST_OK;
        }
        /* Another node was first.  Its value is newer than what this node knows. */
        if (st == ST_CONFLICT) {
            st = control_refresh(control, BYTES_LITERAL(ROOT_KEY_CONTROL_KEY), err);
        }
        if (st == ST_OK) {
            st = load_value(control, &shared, err);
        }
    }
    if (st == ST_OK &&
        (!memory_equal_secret(&shared.access_key, &root->access_key, ROOT_KEY_BYTES_MAX) ||
         !memory_equal_secret(&shared.secret_key, &root->secret_key, ROOT_KEY_BYTES_MAX))) {
        /* For people and tools on this machine; what was generated here opens nothing. */
        char *path = xasprintf("%s/root-key.json", data_directory);

        st = write_file(data_directory, path, &shared, err);
        free(path);
        *root = shared;
    }
    root_key_wipe(&shared);
    return st;
}

void
root_key_wipe(struct root_key *key)
{
    memory_wipe(key, sizeof(*key));
}
