/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/root_key.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

static enum status
load_file(const char *path, struct root_key *key, struct error *err)
{
    json_error_t where;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
    const char *access_key = NULL;
    const char *secret_key = NULL;
    enum status st;

    if (root == NULL || json_unpack(root, "{s:s, s:s}", "access_key", &access_key, "secret_key",
                                    &secret_key) != 0) {
        st = fail(err, ST_CORRUPT,
                  "%s does not hold an access_key and a secret_key; restore it, or set "
                  "LODE_ROOT_ACCESS_KEY and LODE_ROOT_SECRET_KEY",
                  path);
    } else {
        st = copy_key(key->access_key, access_key, ROOT_ACCESS_KEY_BYTES_MIN, path, err);
        if (st == ST_OK) {
            st = copy_key(key->secret_key, secret_key, ROOT_SECRET_KEY_BYTES_MIN, path, err);
        }
    }
    json_decref(root);
    return st;
}

/* Complete and synced under its final name, or not there at all. */
static enum status
write_file(const char *data_directory, const char *path, const struct root_key *key,
           struct error *err)
{
    char *temporary = xasprintf("%s.new", path);
    struct buffer text = BUFFER_INIT;
    enum status st = ST_OK;
    int directory = -1;
    int fd = -1;

    buffer_printf(&text, "{\"access_key\": \"%s\", \"secret_key\": \"%s\"}\n", key->access_key,
                  key->secret_key);
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd == -1 || write(fd, text.data, text.size) != (ssize_t)text.size || fsync(fd) != 0) {
        st = fail_errno(err, ST_IO, "%s cannot be written", temporary);
        goto out;
    }
    directory = open(data_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (rename(temporary, path) != 0 || directory == -1 || fsync(directory) != 0) {
        st = fail_errno(err, ST_IO, "%s cannot be written", path);
        goto out;
    }
out:
    if (fd != -1) {
        close(fd);
    }
    if (directory != -1) {
        close(directory);
    }
    memory_wipe(text.data, text.size);
    buffer_release(&text);
    free(temporary);
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

void
root_key_wipe(struct root_key *key)
{
    memory_wipe(key, sizeof(*key));
}
