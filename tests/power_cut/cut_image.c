/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names first, from the newest change to the oldest, then the bytes and the size of each file.
 *
 * A sector holds what it held after some number of the file's changes: never before the last
 * durable one, never between the two halves of one change.  A truncation or a punched hole is a
 * barrier: the disk has it, and then nothing older in its range, or it has not, and then nothing
 * newer there.  Barriers survive in order.  The size is chosen by the same rules, but
 * independently of the bytes: a larger size without its bytes reads as zeros.
 */
#include "tests/power_cut/cut_image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/power_cut/cut_calls.h"
#include "tests/power_cut/cut_census.h"
#include "tests/power_cut/cut_config.h"
#include "tests/power_cut/cut_file_image.h"
#include "tests/power_cut/cut_gate.h"
#include "tests/power_cut/cut_names.h"
#include "tests/power_cut/cut_random.h"
#include "tests/power_cut/cut_rules.h"

#include "base/banned.h"

/* What happens to names under each flavour: share of 256 that is dropped; -1: drawn. */
static const struct {
    enum cut_file_flavour files;
    int dropped_names;
    bool is_prefix; /* everything before one moment survives, nothing after it */
} flavours[] = {
    {CUT_FILE_DROP, 256, false}, {CUT_FILE_DROP, 0, false},   {CUT_FILE_KEEP, 256, false},
    {CUT_FILE_KEEP, 0, false},   {CUT_FILE_PREFIX, -1, true}, {CUT_FILE_DRAWN, -1, false},
    {CUT_FILE_DRAWN, -1, false}, {CUT_FILE_DRAWN, -1, false}, {CUT_FILE_TORN, -1, false},
};
#define FLAVOURS (sizeof(flavours) / sizeof(flavours[0]))

static struct cut_image_totals totals;

static bool
shares_name(const struct cut_entry *a, const struct cut_entry *b)
{
    if (b->dir == a->dir && strcmp(a->name, b->name) == 0) {
        return true;
    }
    if (a->to_dir != NULL && b->dir == a->to_dir && strcmp(b->name, a->to_name) == 0) {
        return true;
    }
    if (b->to_dir != NULL && b->to_dir == a->dir && strcmp(b->to_name, a->name) == 0) {
        return true;
    }
    return a->to_dir != NULL && b->to_dir == a->to_dir && strcmp(a->to_name, b->to_name) == 0;
}

/* Whether the later change cannot be on disk without the earlier one. */
static bool
depends_on(const struct cut_entry *later, const struct cut_entry *earlier)
{
    if (earlier->kind == CUT_ENTRY_MKDIR &&
        (later->dir == earlier->object || later->to_dir == earlier->object)) {
        return true;
    }
    /* An empty directory was removed: what had emptied it must be on disk too. */
    if (later->kind == CUT_ENTRY_REMOVE && later->object == earlier->dir &&
        later->object->is_directory) {
        return true;
    }
    return shares_name(earlier, later);
}

static void
choose_names(struct cut_entry *entries, uint64_t count, struct cut_random *draws, int share,
             uint64_t moment)
{
    if (share < 0) {
        static const int shares[] = {16, 64, 128, 224};
        share = shares[cut_random_below(draws, 4)];
    }
    uint64_t journal_end = cut_random_below(draws, count + 1);
    for (uint64_t i = 0; i < count; i++) {
        bool is_dropped = cut_random_chance(draws, (unsigned)share);
        if (moment != 0) {
            is_dropped = entries[i].time >= moment;
        } else if (cut_config.model == CUT_MODEL_EXT4) {
            is_dropped = share >= 256 || (share > 0 && i >= journal_end);
        }
        entries[i].is_dropped = is_dropped || entries[i].is_lost;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (!entries[i].is_dropped) {
            continue;
        }
        for (uint64_t j = i + 1; j < count; j++) {
            if (!entries[j].is_dropped &&
                (cut_config.model == CUT_MODEL_EXT4 || depends_on(&entries[j], &entries[i]))) {
                entries[j].is_dropped = true;
            }
        }
    }
}

static void
move(int from_fd, const char *from, int to_fd, const char *to)
{
    if (cut_sys_renameat(from_fd, from, to_fd, to) != 0) {
        cut_die("the image cannot undo the entry %s -> %s: %s", from, to, strerror(errno));
    }
}

static void
undo_entry(const struct cut_entry *entry)
{
    char kept[24];
    char trash[24];
    cut_names_kept_name(entry->kept, kept);
    cut_names_kept_name(cut_names_keep(), trash);
    switch (entry->kind) {
    case CUT_ENTRY_CREATE:
    case CUT_ENTRY_MKDIR:
        move(entry->dir->path_fd, entry->name, cut_config.undo_fd, trash);
        break;
    case CUT_ENTRY_REMOVE:
        move(cut_config.undo_fd, kept, entry->dir->path_fd, entry->name);
        break;
    case CUT_ENTRY_RENAME:
        move(entry->to_dir->path_fd, entry->to_name, entry->dir->path_fd, entry->name);
        if (entry->kept != CUT_KEPT_NONE) {
            move(cut_config.undo_fd, kept, entry->to_dir->path_fd, entry->to_name);
        }
        break;
    }
}

static void
report(const char *what)
{
    cut_census_write();
    char line[512];
    int length =
        snprintf(line, sizeof(line),
                 "%s calls=%llu seed=%llu flavour=%d entries=%llu entries_dropped=%llu files=%llu "
                 "changes=%llu sectors=%llu sectors_old=%llu skipped_syncs=%llu faults=%llu\n",
                 what, (unsigned long long)powercut_calls(), (unsigned long long)cut_config.seed,
                 totals.flavour, (unsigned long long)totals.entries,
                 (unsigned long long)totals.entries_dropped, (unsigned long long)totals.files,
                 (unsigned long long)totals.changes, (unsigned long long)totals.sectors,
                 (unsigned long long)totals.sectors_old, (unsigned long long)cut_rules_skip_count(),
                 (unsigned long long)cut_rules_fault_count());
    if (cut_config.report_path[0] == '\0' || length <= 0) {
        return;
    }
    int fd = cut_sys_openat(AT_FDCWD, cut_config.report_path,
                            O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)!syscall(SYS_write, fd, line, (size_t)length);
        syscall(SYS_close, fd);
    }
}

struct file_pass {
    struct cut_random draws;
    enum cut_file_flavour flavour;
    uint64_t moment;
};

static void
make_file(struct cut_node *node, void *arg)
{
    struct file_pass *pass = arg;
    totals.files++;
    cut_file_image_make(node, &pass->draws, pass->flavour, pass->moment, &totals);
}

void
cut_image_make(void)
{
    struct cut_random draws = cut_random_seeded(cut_config.seed);
    uint64_t drawn = cut_random_below(&draws, FLAVOURS);
    totals.flavour = cut_config.flavour >= 0 ? cut_config.flavour % (int)FLAVOURS : (int)drawn;
    uint64_t count = 0;
    struct cut_entry *entries = cut_names_pending(&count);
    uint64_t now = cut_gate_time();
    uint64_t moment = 0;
    if (flavours[totals.flavour].is_prefix) {
        /* Near the end more often than long ago: most changes before have been synced. */
        uint64_t window = UINT64_C(1) << cut_random_below(&draws, 12);
        moment = now - cut_random_below(&draws, window < now ? window : now);
    }

    choose_names(entries, count, &draws, flavours[totals.flavour].dropped_names, moment);
    totals.entries = count;
    for (uint64_t i = count; i > 0; i--) {
        if (entries[i - 1].is_dropped) {
            undo_entry(&entries[i - 1]);
            totals.entries_dropped++;
        }
    }
    struct file_pass pass = {
        .draws = draws, .flavour = flavours[totals.flavour].files, .moment = moment};
    cut_nodes_each(make_file, &pass);
    report("cut");
}

void
cut_image_report_exit(void)
{
    report("exit");
}
