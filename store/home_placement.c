/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "lode-placement 1\n"
 * "anywhere 0|1\n"
 * "member <uuid> <role> <attached 0|1> <directory>\n"   each; their order gives the numbers below
 * "choice <generation> <number>,<number>...\n"          each, ascending
 */
#include "store/home_placement.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/encode.h"
#include "base/hash.h"
#include "base/memory.h"

#include "base/banned.h"

#define FORMAT_LINE "lode-placement 1"
#define LINE_MEMBER_MAX (MOUNTPATH_MAX + PLACEMENT_GONE_MAX)

static const char *const ROLE_NAMES[] = {
    [MOUNTPATH_ACTIVE] = "active",       [MOUNTPATH_DISABLED] = "disabled",
    [MOUNTPATH_LEAVING] = "leaving",     [MOUNTPATH_DETACHED] = "detached",
    [MOUNTPATH_FORGOTTEN] = "forgotten",
};

const char *
mountpath_role_name(enum mountpath_role role)
{
    CHECK((size_t)role < ARRAY_COUNT(ROLE_NAMES));
    return ROLE_NAMES[role];
}

static bool
role_is_gone(enum mountpath_role role)
{
    return role == MOUNTPATH_DETACHED || role == MOUNTPATH_FORGOTTEN;
}

void
home_placement_release(struct home_placement *placement)
{
    for (size_t i = 0; i < placement->member_count; i++) {
        free(placement->members[i].directory);
    }
    for (size_t i = 0; i < placement->gone_count; i++) {
        free(placement->gone[i].directory);
    }
    memset(placement, 0, sizeof(*placement));
}

void
home_placement_copy(const struct home_placement *placement, struct home_placement *ret_copy)
{
    *ret_copy = *placement;
    for (size_t i = 0; i < placement->member_count; i++) {
        ret_copy->members[i].directory = xstrdup(placement->members[i].directory);
    }
    for (size_t i = 0; i < placement->gone_count; i++) {
        ret_copy->gone[i].directory = xstrdup(placement->gone[i].directory);
    }
}

static void
format_member(const struct placement_member *member, struct buffer *out)
{
    char uuid[2 * PLACEMENT_UUID_BYTES + 1];

    encode_hex(bytes_of(member->uuid, PLACEMENT_UUID_BYTES), uuid);
    buffer_printf(out, "member %s %s %d %s\n", uuid, mountpath_role_name(member->role),
                  member->is_attached, member->directory);
}

void
home_placement_format(const struct home_placement *placement, struct buffer *out)
{
    buffer_printf(out, "%s\nanywhere %d\n", FORMAT_LINE, placement->is_anywhere);
    for (size_t i = 0; i < placement->member_count; i++) {
        format_member(&placement->members[i], out);
    }
    for (size_t i = 0; i < placement->gone_count; i++) {
        format_member(&placement->gone[i], out);
    }
    for (size_t i = 0; i < placement->choice_count; i++) {
        const char *separator = " ";

        buffer_printf(out, "choice %" PRIu64, placement->choices[i].generation);
        for (size_t j = 0; j < placement->member_count; j++) {
            if ((placement->choices[i].members >> j & 1) != 0) {
                buffer_printf(out, "%s%zu", separator, j);
                separator = ",";
            }
        }
        buffer_append_char(out, '\n');
    }
}

/* What stands in the text, before the members that are gone for good are told apart. */
struct placement_text {
    struct placement_member members[LINE_MEMBER_MAX];
    size_t member_count;
    uint64_t generations[PLACEMENT_CHOICE_MAX];
    bool choices[PLACEMENT_CHOICE_MAX][LINE_MEMBER_MAX];
    size_t choice_count;
    bool is_anywhere;
};

static bool
parse_role(struct bytes text, enum mountpath_role *ret_role)
{
    for (size_t i = 0; i < ARRAY_COUNT(ROLE_NAMES); i++) {
        if (bytes_equal_string(text, ROLE_NAMES[i])) {
            *ret_role = (enum mountpath_role)i;
            return true;
        }
    }
    return false;
}

static bool
parse_member(struct bytes line, struct placement_text *text)
{
    struct bytes uuid = bytes_cut(&line, ' ');
    struct bytes role = bytes_cut(&line, ' ');
    struct bytes attached = bytes_cut(&line, ' ');
    struct placement_member member = {.is_attached = bytes_equal_string(attached, "1")};

    if (text->member_count == LINE_MEMBER_MAX || uuid.size != 2 * PLACEMENT_UUID_BYTES ||
        decode_hex(uuid, member.uuid) != ST_OK || !parse_role(role, &member.role) ||
        (!member.is_attached && !bytes_equal_string(attached, "0")) || line.size == 0 ||
        bytes_find_char(line, 0, '\0') != SIZE_MAX) {
        return false;
    }
    member.directory = bytes_to_string(line);
    text->members[text->member_count++] = member;
    return true;
}

static bool
parse_choice(struct bytes line, struct placement_text *text)
{
    size_t at = text->choice_count;
    struct bytes generation = bytes_cut(&line, ' ');

    if (at == PLACEMENT_CHOICE_MAX ||
        bytes_parse_u64(generation, UINT64_MAX - 1, &text->generations[at]) != ST_OK ||
        text->generations[at] == 0 ||
        (at > 0 && text->generations[at] <= text->generations[at - 1])) {
        return false;
    }
    while (line.size > 0) {
        uint64_t number;

        if (bytes_parse_u64(bytes_cut(&line, ','), LINE_MEMBER_MAX, &number) != ST_OK ||
            number >= text->member_count) {
            return false;
        }
        text->choices[at][number] = true;
    }
    text->choice_count++;
    return true;
}

static bool
parse_lines(struct bytes rest, struct placement_text *text)
{
    if (!bytes_equal_string(bytes_cut(&rest, '\n'), FORMAT_LINE)) {
        return false;
    }
    while (rest.size > 0) {
        struct bytes line = bytes_cut(&rest, '\n');
        struct bytes word = bytes_cut(&line, ' ');
        bool is_sound = false;

        if (bytes_equal_string(word, "anywhere")) {
            text->is_anywhere = bytes_equal_string(line, "1");
            is_sound = text->is_anywhere || bytes_equal_string(line, "0");
        } else if (bytes_equal_string(word, "member")) {
            is_sound = parse_member(line, text);
        } else if (bytes_equal_string(word, "choice")) {
            is_sound = parse_choice(line, text);
        }
        if (!is_sound) {
            return false;
        }
    }
    return true;
}

/* Members that are gone and that no choice names need no bit; false: too many. */
static bool
sort_members(struct placement_text *text, struct home_placement *placement)
{
    for (size_t i = 0; i < text->member_count; i++) {
        bool is_chosen = false;

        for (size_t j = 0; j < text->choice_count; j++) {
            is_chosen = is_chosen || text->choices[j][i];
        }
        if (!is_chosen && role_is_gone(text->members[i].role)) {
            if (placement->gone_count == PLACEMENT_GONE_MAX) {
                return false;
            }
            placement->gone[placement->gone_count++] = text->members[i];
        } else {
            size_t at = placement->member_count;

            if (at == MOUNTPATH_MAX) {
                return false;
            }
            placement->members[at] = text->members[i];
            placement->member_count++;
            for (size_t j = 0; j < text->choice_count; j++) {
                placement->choices[j].members |= (uint64_t)text->choices[j][i] << at;
            }
        }
        text->members[i].directory = NULL;
    }
    for (size_t j = 0; j < text->choice_count; j++) {
        placement->choices[j].generation = text->generations[j];
    }
    placement->choice_count = text->choice_count;
    placement->is_anywhere = text->is_anywhere;
    return true;
}

enum status
home_placement_parse(struct bytes bytes, struct home_placement *ret_placement, struct error *err)
{
    struct placement_text *text = xcalloc(1, sizeof(*text));
    struct home_placement *placement = xcalloc(1, sizeof(*placement));
    enum status st = ST_OK;

    if (!parse_lines(bytes, text) || !sort_members(text, placement)) {
        st = fail(err, ST_CORRUPT, "the list of mountpaths under DATA is malformed");
    }
    if (st == ST_OK) {
        *ret_placement = *placement;
    } else {
        home_placement_release(placement);
    }
    for (size_t i = 0; i < text->member_count; i++) {
        free(text->members[i].directory);
    }
    free(placement);
    free(text);
    return st;
}

uint64_t
home_placement_generation(const struct home_placement *placement)
{
    size_t count = placement->choice_count;

    return count > 0 ? placement->choices[count - 1].generation : 0;
}

uint64_t
home_placement_active(const struct home_placement *placement)
{
    uint64_t members = 0;

    for (size_t i = 0; i < placement->member_count; i++) {
        if (placement->members[i].role == MOUNTPATH_ACTIVE) {
            members |= UINT64_C(1) << i;
        }
    }
    return members;
}

uint64_t
home_placement_holders(const struct home_placement *placement)
{
    uint64_t members = 0;

    for (size_t i = 0; i < placement->choice_count; i++) {
        members |= placement->choices[i].members;
    }
    for (size_t i = 0; i < placement->member_count; i++) {
        if (placement->is_anywhere) {
            members |= UINT64_C(1) << i;
        }
        if (role_is_gone(placement->members[i].role)) {
            members &= ~(UINT64_C(1) << i);
        }
    }
    return members;
}

uint64_t
home_placement_gone(const struct home_placement *placement)
{
    uint64_t members = 0;

    for (size_t i = 0; i < placement->member_count; i++) {
        if (role_is_gone(placement->members[i].role)) {
            members |= UINT64_C(1) << i;
        }
    }
    return members;
}

bool
home_placement_is_unfinished(const struct home_placement *placement)
{
    return placement->is_anywhere || placement->choice_count > 1;
}

size_t
home_placement_find(const struct home_placement *placement, const unsigned char *uuid)
{
    for (size_t i = 0; i < placement->member_count; i++) {
        if (memcmp(placement->members[i].uuid, uuid, PLACEMENT_UUID_BYTES) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

const struct placement_member *
home_placement_find_gone(const struct home_placement *placement, const unsigned char *uuid)
{
    for (size_t i = 0; i < placement->gone_count; i++) {
        if (memcmp(placement->gone[i].uuid, uuid, PLACEMENT_UUID_BYTES) == 0) {
            return &placement->gone[i];
        }
    }
    return NULL;
}

static void
drop_gone(struct home_placement *placement, const unsigned char *uuid)
{
    for (size_t i = 0; i < placement->gone_count; i++) {
        if (memcmp(placement->gone[i].uuid, uuid, PLACEMENT_UUID_BYTES) == 0) {
            free(placement->gone[i].directory);
            placement->gone[i] = placement->gone[--placement->gone_count];
            return;
        }
    }
}

enum status
home_placement_add(struct home_placement *placement, const unsigned char *uuid,
                   const char *directory, bool is_attached, struct error *err)
{
    struct placement_member *member;

    if (placement->member_count == MOUNTPATH_MAX) {
        return fail(err, ST_INVALID,
                    "this node has known %d mountpaths since its start: restart it, then add more",
                    MOUNTPATH_MAX);
    }
    if (directory[0] == '\0' || strchr(directory, '\n') != NULL) {
        return fail(err, ST_INVALID, "the name of a mountpath is empty or holds a line feed");
    }
    drop_gone(placement, uuid);
    member = &placement->members[placement->member_count++];
    *member = (struct placement_member){
        .directory = xstrdup(directory), .role = MOUNTPATH_ACTIVE, .is_attached = is_attached};
    memcpy(member->uuid, uuid, PLACEMENT_UUID_BYTES);
    return ST_OK;
}

enum status
home_placement_choose(struct home_placement *placement, struct error *err)
{
    uint64_t members = home_placement_active(placement);

    if (members == 0) {
        return fail(err, ST_INVALID,
                    "no mountpath would be left for the data: attach or enable another one first");
    }
    if (placement->choice_count == PLACEMENT_CHOICE_MAX) {
        return fail(err, ST_BUSY,
                    "%d changes of mountpaths wait for the resilver to finish: try again then",
                    PLACEMENT_CHOICE_MAX);
    }
    placement->choices[placement->choice_count] = (struct placement_choice){
        .generation = home_placement_generation(placement) + 1, .members = members};
    placement->choice_count++;
    return ST_OK;
}

void
home_placement_finish(struct home_placement *placement)
{
    CHECK(placement->choice_count > 0);
    placement->choices[0] = placement->choices[placement->choice_count - 1];
    placement->choice_count = 1;
    placement->is_anywhere = false;
    for (size_t i = 0; i < placement->member_count; i++) {
        if (placement->members[i].role == MOUNTPATH_LEAVING) {
            placement->members[i].role = MOUNTPATH_DETACHED;
        }
    }
}

uint64_t
home_placement_hash(uint64_t bucket_id, struct bytes name)
{
    unsigned char bucket[8];

    encode_u64_be(bucket, bucket_id);
    return hash_stable(name, hash_stable(bytes_of(bucket, sizeof(bucket)), 0));
}

size_t
home_placement_owner(const struct home_placement *placement, uint64_t members, uint64_t hash)
{
    size_t best = SIZE_MAX;
    uint64_t best_score = 0;

    if ((members & (members - 1)) == 0) {
        return members == 0 ? SIZE_MAX : (size_t)__builtin_ctzll(members);
    }
    for (; members != 0; members &= members - 1) {
        size_t i = (size_t)__builtin_ctzll(members);
        uint64_t score =
            hash_stable(bytes_of(placement->members[i].uuid, PLACEMENT_UUID_BYTES), hash);

        if (best == SIZE_MAX || score > best_score) {
            best = i;
            best_score = score;
        }
    }
    return best;
}
