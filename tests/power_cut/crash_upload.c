/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_cut/crash_upload.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "object/multipart.h"

#include "base/banned.h"

#define SMALL_PART_BYTES_MAX ((uint64_t)200 << 10)
#define LARGE_PART_BYTES_MAX ((uint64_t)2 << 20)

static pthread_mutex_t upload_locks[CRASH_UPLOADS] = {[0 ... CRASH_UPLOADS - 1] =
                                                          PTHREAD_MUTEX_INITIALIZER};

void
crash_upload_note_failure(struct crash_store *crash, enum status st, const char *what,
                          const struct error *err)
{
    atomic_fetch_add(&crash->model->failed_count, 1);
    if (!crash->has_faults && !status_is_retryable(st)) {
        crash_store_broken("%s: %s: %s", what, status_name(st), err->text);
    }
    if (!crash->has_faults && st == ST_UNAVAILABLE) {
        crash_store_broken("%s: a home is not available without a fault: %s", what, err->text);
    }
}

static struct upload_id
id_of(const struct crash_upload *upload)
{
    struct upload_id id;
    memcpy(id.bytes, upload->id, sizeof(id.bytes));
    return id;
}

/* The acknowledged write of a part that counts, or NULL. */
static struct crash_part *
current_part(struct crash_upload *upload, unsigned index)
{
    struct crash_part *newest = NULL;
    for (unsigned i = 0; i < 2; i++) {
        struct crash_part *part = &upload->parts[index][i];
        if (atomic_load(&part->state) == CRASH_CHANGE_DONE &&
            (newest == NULL || part->end > newest->end)) {
            newest = part;
        }
    }
    return newest;
}

static void
forget_parts(struct crash_upload *upload)
{
    for (unsigned i = 0; i < CRASH_PARTS_MAX; i++) {
        atomic_store(&upload->parts[i][0].state, CRASH_CHANGE_FREE);
        atomic_store(&upload->parts[i][1].state, CRASH_CHANGE_FREE);
    }
}

static void
begin_upload(struct crash_store *crash, struct crash_upload *upload, struct prng *prng)
{
    char key[CRASH_KEY_SIZE];
    char version[24];
    struct upload_id id;
    struct error err = ERROR_INIT;
    forget_parts(upload);
    upload->key = CRASH_HOT_KEYS + (uint32_t)prng_below(prng, CRASH_KEYS - CRASH_HOT_KEYS);
    upload->version = crash_model_version(crash->model);
    atomic_store(&upload->state, CRASH_UPLOAD_CREATING);
    crash_store_key(upload->key, key);
    snprintf(version, sizeof(version), "%llu", (unsigned long long)upload->version);
    struct metadata_entry entry = {BYTES_LITERAL("version"), bytes_of_string(version)};
    struct multipart_create_options options = {
        .key = bytes_of_string(key), .attributes = {.metadata = &entry, .metadata_count = 1}};
    enum status st = multipart_create(&crash->buckets[CRASH_BUCKET_STRICT], &options, &id, &err);
    if (st != ST_OK) {
        crash_upload_note_failure(crash, st, "create upload", &err);
        return;
    }
    memcpy(upload->id, id.bytes, sizeof(upload->id));
    atomic_store(&upload->state, CRASH_UPLOAD_OPEN);
    atomic_fetch_add(&crash->model->acknowledged_count, 1);
}

static void
put_part(struct crash_store *crash, struct crash_upload *upload, struct prng *prng,
         struct crash_content *content)
{
    char key[CRASH_KEY_SIZE];
    unsigned index = (unsigned)prng_below(prng, CRASH_PARTS_MAX);
    struct crash_part *current = current_part(upload, index);
    struct crash_part *part = &upload->parts[index][current == &upload->parts[index][0] ? 1 : 0];
    struct object_put_result result;
    struct error err = ERROR_INIT;
    if (atomic_load(&part->state) == CRASH_CHANGE_PENDING) {
        return;
    }
    part->piece = (struct crash_piece){.number = crash_model_version(crash->model),
                                       .size = 1 + prng_below(prng, SMALL_PART_BYTES_MAX)};
    if (prng_below(prng, 4) == 0) {
        part->piece.size += prng_below(prng, LARGE_PART_BYTES_MAX);
    }
    atomic_store(&part->state, CRASH_CHANGE_PENDING);
    crash_store_key(upload->key, key);
    struct upload_id id = id_of(upload);
    struct object_put_options options = {.key = bytes_of_string(key),
                                         .size = part->piece.size,
                                         .upload = &id,
                                         .part_number = index + 1};
    enum status st =
        crash_upload_send(crash, CRASH_BUCKET_STRICT, &options,
                          crash_content_piece(content, &part->piece), prng, &result, &err);
    if (st != ST_OK) {
        crash_upload_note_failure(crash, st, "put part", &err);
        return;
    }
    part->end = crash_model_stamp(crash->model);
    atomic_store(&part->state, CRASH_CHANGE_DONE);
    atomic_fetch_add(&crash->model->acknowledged_count, 1);
}

/* The value that a completion with every part that may stand before the last one gives.  False:
 * nothing to complete. */
static bool
plan_completion(struct crash_upload *upload, struct crash_value *value,
                uint32_t numbers[CRASH_PARTS_MAX])
{
    *value = (struct crash_value){.version = upload->version};
    for (unsigned i = CRASH_PARTS_MAX; i > 0; i--) {
        struct crash_part *part = current_part(upload, i - 1);
        if (part == NULL || (value->part_count > 0 && part->piece.size < CRASH_PART_BYTES_MIN)) {
            continue;
        }
        memmove(&value->pieces[1], &value->pieces[0], 2 * sizeof(value->pieces[0]));
        memmove(&numbers[1], &numbers[0], 2 * sizeof(numbers[0]));
        value->pieces[0] = part->piece;
        numbers[0] = i;
        value->part_count++;
    }
    return value->part_count > 0;
}

/* Which part has which piece is found again by its number, so a repetition needs no more notes. */
static enum status
call_complete(struct crash_store *crash, struct crash_upload *upload, struct crash_content *content,
              const struct crash_value *value, const uint32_t *numbers,
              struct object_put_result *ret_result, struct error *err)
{
    char key[CRASH_KEY_SIZE];
    char etags[CRASH_PARTS_MAX][CRASH_ETAG_SIZE];
    struct multipart_part parts[CRASH_PARTS_MAX] = {{0}};
    crash_store_key(upload->key, key);
    for (uint32_t i = 0; i < value->part_count; i++) {
        struct crash_value one = {.pieces = {value->pieces[i]}};
        crash_content_etag(content, &one, etags[i]);
        parts[i].number = numbers[i];
        parts[i].etag = bytes_of_string(etags[i]);
    }
    struct multipart_complete_options options = {.key = bytes_of_string(key),
                                                 .id = id_of(upload),
                                                 .parts = parts,
                                                 .part_count = value->part_count,
                                                 .size = OBJECT_SIZE_UNKNOWN};
    return multipart_complete(&crash->buckets[CRASH_BUCKET_STRICT], &options, ret_result, err);
}

static void
check_etag(struct crash_content *content, const struct crash_value *value,
           const struct object_put_result *result)
{
    char etag[CRASH_ETAG_SIZE];
    crash_content_etag(content, value, etag);
    if (strcmp(etag, result->etag) != 0) {
        crash_store_broken("completed upload: ETag %s instead of %s", result->etag, etag);
    }
}

static void
complete_locked(struct crash_store *crash, struct crash_upload *upload,
                struct crash_content *content)
{
    uint32_t numbers[CRASH_PARTS_MAX] = {0};
    struct crash_value value;
    struct object_put_result result;
    struct error err = ERROR_INIT;
    if (!plan_completion(upload, &value, numbers)) {
        return;
    }
    struct crash_change *change = crash_model_begin(
        crash->model, &crash->model->keys[CRASH_BUCKET_STRICT][upload->key], &value, false);
    if (change == NULL) {
        return;
    }
    upload->completed = value;
    atomic_store(&upload->state, CRASH_UPLOAD_COMPLETING);
    enum status st = call_complete(crash, upload, content, &value, numbers, &result, &err);
    if (st != ST_OK) {
        crash_upload_note_failure(crash, st, "complete upload", &err);
        return;
    }
    crash_model_end(crash->model, change);
    atomic_store(&upload->state, CRASH_UPLOAD_FREE);
    check_etag(content, &value, &result);
}

static void
abort_upload(struct crash_store *crash, struct crash_upload *upload)
{
    char key[CRASH_KEY_SIZE];
    struct error err = ERROR_INIT;
    crash_store_key(upload->key, key);
    atomic_store(&upload->state, CRASH_UPLOAD_ABORTING);
    enum status st = multipart_abort(&crash->buckets[CRASH_BUCKET_STRICT], bytes_of_string(key),
                                     id_of(upload), &err);
    if (st != ST_OK) {
        crash_upload_note_failure(crash, st, "abort upload", &err);
        return;
    }
    atomic_store(&upload->state, CRASH_UPLOAD_FREE);
    atomic_fetch_add(&crash->model->acknowledged_count, 1);
}

void
crash_upload_step(struct crash_store *crash, struct prng *prng, struct crash_content *content,
                  pthread_mutex_t *key_locks)
{
    unsigned index = (unsigned)prng_below(prng, CRASH_UPLOADS);
    struct crash_upload *upload = &crash->model->uploads[index];
    uint64_t draw = prng_below(prng, 100);
    if (pthread_mutex_trylock(&upload_locks[index]) != 0) {
        return;
    }
    uint32_t state = atomic_load(&upload->state);
    if (state == CRASH_UPLOAD_FREE) {
        begin_upload(crash, upload, prng);
    } else if (state == CRASH_UPLOAD_OPEN && draw < 60) {
        put_part(crash, upload, prng, content);
    } else if (state == CRASH_UPLOAD_OPEN && draw < 90) {
        pthread_mutex_lock(&key_locks[upload->key]);
        complete_locked(crash, upload, content);
        pthread_mutex_unlock(&key_locks[upload->key]);
    } else if (state == CRASH_UPLOAD_OPEN) {
        abort_upload(crash, upload);
    }
    pthread_mutex_unlock(&upload_locks[index]);
}

/* What the restarted store says of one part must be the acknowledged write or one under way. */
static void
verify_part(struct crash_model *model, struct crash_upload *upload, unsigned index,
            const struct part_record *found, struct crash_content *content)
{
    struct crash_part *current = current_part(upload, index);
    for (unsigned i = 0; i < 2; i++) {
        struct crash_part *part = &upload->parts[index][i];
        bool is_pending = atomic_load(&part->state) == CRASH_CHANGE_PENDING;
        unsigned char md5[16];
        if (found == NULL || (!is_pending && part != current) || found->size != part->piece.size) {
            continue;
        }
        crash_content_piece_md5(content, &part->piece, md5);
        if (memcmp(md5, found->md5, sizeof(md5)) == 0) {
            part->end = crash_model_stamp(model);
            atomic_store(&part->state, CRASH_CHANGE_DONE);
            atomic_store(&upload->parts[index][1 - i].state, CRASH_CHANGE_FREE);
            return;
        }
    }
    if (found != NULL || current != NULL) {
        crash_store_broken("part %u of an upload to key %u is not what was acknowledged", index + 1,
                           upload->key);
    }
    atomic_store(&upload->parts[index][0].state, CRASH_CHANGE_FREE);
    atomic_store(&upload->parts[index][1].state, CRASH_CHANGE_FREE);
}

static void
verify_parts(struct crash_store *crash, struct crash_upload *upload, struct crash_content *content)
{
    char key[CRASH_KEY_SIZE];
    struct arena arena = ARENA_INIT;
    struct part_record *parts = NULL;
    size_t count = 0;
    bool is_truncated = false;
    struct error err = ERROR_INIT;
    crash_store_key(upload->key, key);
    enum status st =
        multipart_list_parts(&crash->buckets[CRASH_BUCKET_STRICT], bytes_of_string(key),
                             id_of(upload), 0, 100, &arena, &parts, &count, &is_truncated, &err);
    if (st != ST_OK || is_truncated) {
        crash_store_broken("%s: the parts of a listed upload: %s", key, err.text);
    }
    for (unsigned index = 0; index < CRASH_PARTS_MAX; index++) {
        const struct part_record *found = NULL;
        for (size_t i = 0; i < count; i++) {
            found = parts[i].number == index + 1 ? &parts[i] : found;
        }
        verify_part(crash->model, upload, index, found, content);
    }
    arena_release(&arena);
}

/* The commit of a completion is on disk: then it is the object's last change, and asking again
 * answers as the first time would have. */
static void
verify_completed(struct crash_store *crash, struct crash_upload *upload,
                 struct crash_content *content)
{
    struct crash_key *key = &crash->model->keys[CRASH_BUCKET_STRICT][upload->key];
    uint32_t numbers[CRASH_PARTS_MAX] = {0};
    struct crash_value value;
    struct object_put_result result;
    struct error err = ERROR_INIT;
    (void)plan_completion(upload, &value, numbers);
    enum status st =
        call_complete(crash, upload, content, &upload->completed, numbers, &result, &err);
    if (st != ST_OK) {
        crash_store_broken("key %u: an upload under completion is neither open nor completed: %s",
                           upload->key, err.text);
    }
    check_etag(content, &upload->completed, &result);
    for (unsigned i = 0; i < CRASH_CHANGES_MAX; i++) {
        struct crash_change *change = &key->changes[i];
        if (atomic_load(&change->state) == CRASH_CHANGE_PENDING &&
            change->value.version == upload->version) {
            crash_model_end(crash->model, change);
        }
    }
    atomic_store(&upload->state, CRASH_UPLOAD_FREE);
}

static bool
is_completion_acknowledged(const struct crash_store *crash, const struct crash_upload *upload)
{
    const struct crash_key *key = &crash->model->keys[CRASH_BUCKET_STRICT][upload->key];
    for (unsigned i = 0; i < CRASH_CHANGES_MAX; i++) {
        if (atomic_load(&key->changes[i].state) == CRASH_CHANGE_DONE &&
            key->changes[i].value.version == upload->version) {
            return true;
        }
    }
    return false;
}

static void
verify_upload(struct crash_store *crash, struct crash_upload *upload, bool is_listed,
              struct crash_content *content)
{
    switch (atomic_load(&upload->state)) {
    case CRASH_UPLOAD_OPEN:
        if (!is_listed) {
            crash_store_broken("key %u: an acknowledged upload is gone", upload->key);
        }
        verify_parts(crash, upload, content);
        break;
    case CRASH_UPLOAD_COMPLETING:
        if (!is_listed) {
            verify_completed(crash, upload, content);
            break;
        }
        if (is_completion_acknowledged(crash, upload)) {
            crash_store_broken("key %u: a completed upload is open again", upload->key);
        }
        verify_parts(crash, upload, content);
        atomic_store(&upload->state, CRASH_UPLOAD_OPEN);
        break;
    case CRASH_UPLOAD_ABORTING:
        if (is_listed) {
            abort_upload(crash, upload);
        }
        atomic_store(&upload->state, CRASH_UPLOAD_FREE);
        break;
    default:
        atomic_store(&upload->state, CRASH_UPLOAD_FREE);
        break;
    }
}

static struct crash_upload *
find_upload(struct crash_store *crash, const struct multipart_upload_entry *entry)
{
    for (unsigned i = 0; i < CRASH_UPLOADS; i++) {
        struct crash_upload *upload = &crash->model->uploads[i];
        if (atomic_load(&upload->state) >= CRASH_UPLOAD_OPEN &&
            memcmp(upload->id, entry->id.bytes, sizeof(upload->id)) == 0) {
            return upload;
        }
    }
    return NULL;
}

/* Marks what is listed; uploads whose creation was never answered are aborted. */
static void
list_uploads(struct crash_store *crash, bool is_listed[CRASH_UPLOADS])
{
    struct arena arena = ARENA_INIT;
    struct multipart_upload_entry *entries = NULL;
    size_t count = 0;
    unsigned creating_count = 0;
    bool is_truncated = false;
    struct error err = ERROR_INIT;
    struct multipart_list_options options = {.count_max = 1000};
    enum status st = multipart_list(&crash->buckets[CRASH_BUCKET_STRICT], &options, &arena,
                                    &entries, &count, &is_truncated, &err);
    if (st != ST_OK || is_truncated) {
        crash_store_broken("uploads cannot be listed: %s", err.text);
    }
    for (unsigned i = 0; i < CRASH_UPLOADS; i++) {
        creating_count += atomic_load(&crash->model->uploads[i].state) == CRASH_UPLOAD_CREATING;
    }
    for (size_t i = 0; i < count; i++) {
        struct crash_upload *upload = find_upload(crash, &entries[i]);
        if (upload != NULL) {
            is_listed[upload - crash->model->uploads] = true;
            continue;
        }
        if (creating_count == 0 || multipart_abort(&crash->buckets[CRASH_BUCKET_STRICT],
                                                   entries[i].key, entries[i].id, &err) != ST_OK) {
            crash_store_broken("%.*s: an upload that nobody began, or was gone, or cannot be "
                               "aborted: %s",
                               BYTES_ARGS(entries[i].key), err.text);
        }
        creating_count--;
    }
    arena_release(&arena);
}

void
crash_upload_verify(struct crash_store *crash, struct crash_content *content)
{
    bool is_listed[CRASH_UPLOADS] = {false};
    list_uploads(crash, is_listed);
    for (unsigned i = 0; i < CRASH_UPLOADS; i++) {
        verify_upload(crash, &crash->model->uploads[i], is_listed[i], content);
    }
}
