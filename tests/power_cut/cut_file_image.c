/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_cut/cut_file_image.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "tests/power_cut/cut_calls.h"
#include "tests/power_cut/cut_config.h"

#include "base/banned.h"

/* How many of a file's changes a sector, or the size, has seen. */
typedef uint32_t version_type;

struct file_image {
    struct cut_node *node;
    version_type barriers_end; /* barriers from this change on are not on disk */
    uint64_t first_sector;
    uint64_t sector_count;
    version_type *chosen; /* for each sector */
    version_type *low;    /* the least that is durable */
    version_type *high;
    unsigned char *scratch; /* one flag for each sector */
};

static void
sectors_of(const struct file_image *image, const struct cut_change *change, uint64_t *ret_begin,
           uint64_t *ret_end)
{
    if (change->length == 0) {
        *ret_begin = *ret_end = 0;
        return;
    }
    *ret_begin = change->offset / CUT_SECTOR_SIZE - image->first_sector;
    *ret_end = (change->offset + change->length - 1) / CUT_SECTOR_SIZE + 1 - image->first_sector;
}

static void
measure(struct file_image *image)
{
    uint64_t begin = UINT64_MAX;
    uint64_t end = 0;
    for (uint64_t i = 0; i < image->node->count; i++) {
        const struct cut_change *change = &image->node->changes[i];
        if (change->length == 0) {
            continue;
        }
        uint64_t change_begin = change->offset / CUT_SECTOR_SIZE;
        uint64_t change_end = (change->offset + change->length - 1) / CUT_SECTOR_SIZE + 1;
        begin = change_begin < begin ? change_begin : begin;
        end = change_end > end ? change_end : end;
    }
    image->first_sector = begin == UINT64_MAX ? 0 : begin;
    image->sector_count = begin == UINT64_MAX ? 0 : end - begin;
    image->chosen = xcalloc(image->sector_count, sizeof(*image->chosen));
    image->low = xcalloc(image->sector_count, sizeof(*image->low));
    image->high = xcalloc(image->sector_count, sizeof(*image->high));
    image->scratch = xcalloc(image->sector_count, 1);
}

/* Barriers survive in order, and those before a durable change have. */
static void
choose_barriers(struct file_image *image, version_type wanted)
{
    const struct cut_node *node = image->node;
    image->barriers_end = wanted;
    for (uint64_t i = 0; i < node->count; i++) {
        if ((node->changes[i].flags & CUT_CHANGE_DURABLE) != 0 && image->barriers_end <= i) {
            image->barriers_end = (version_type)i + 1;
        }
    }
    for (uint64_t i = 0; i < image->barriers_end; i++) {
        unsigned flags = node->changes[i].flags;
        if ((flags & CUT_CHANGE_BARRIER) != 0 && (flags & CUT_CHANGE_LOST) != 0) {
            image->barriers_end = (version_type)i;
        }
    }
}

static bool
is_barrier(const struct cut_change *change)
{
    return (change->flags & CUT_CHANGE_BARRIER) != 0;
}

static void
bound_sectors(struct file_image *image)
{
    const struct cut_node *node = image->node;
    for (uint64_t s = 0; s < image->sector_count; s++) {
        image->high[s] = (version_type)node->count;
    }
    for (uint64_t i = 0; i < node->count; i++) {
        const struct cut_change *change = &node->changes[i];
        bool is_kept = (change->flags & CUT_CHANGE_DURABLE) != 0 ||
                       (is_barrier(change) && i < image->barriers_end);
        bool is_gone = is_barrier(change) && i >= image->barriers_end;
        if (!is_kept && !is_gone) {
            continue;
        }
        uint64_t begin;
        uint64_t end;
        sectors_of(image, change, &begin, &end);
        for (uint64_t s = begin; s < end; s++) {
            if (is_kept) {
                image->low[s] = (version_type)i + 1;
            } else if (image->high[s] > i) {
                image->high[s] = (version_type)i;
            }
        }
    }
}

/* A version that ends with a lost change is what memory held, not the disk: step back to the one
 * before it. */
static void
step_over_lost(struct file_image *image)
{
    const struct cut_node *node = image->node;
    memset(image->scratch, 0, image->sector_count);
    for (uint64_t i = node->count; i > 0; i--) {
        const struct cut_change *change = &node->changes[i - 1];
        uint64_t begin;
        uint64_t end;
        sectors_of(image, change, &begin, &end);
        bool is_lost = (change->flags & CUT_CHANGE_LOST) != 0;
        for (uint64_t s = begin; s < end; s++) {
            if (image->chosen[s] < i || image->scratch[s] != 0) {
                continue;
            }
            if (is_lost) {
                image->chosen[s] = (version_type)(i - 1);
            } else {
                image->scratch[s] = 1;
            }
        }
    }
}

static version_type
prefix_at(const struct cut_node *node, uint64_t moment)
{
    version_type version = 0;
    while (version < node->count && node->changes[version].time < moment) {
        version++;
    }
    return version;
}

static version_type
any_version(const struct cut_node *node, struct cut_random *draws)
{
    return (version_type)cut_random_below(draws, node->count + 1);
}

static void
choose_sectors(struct file_image *image, struct cut_random *draws, enum cut_file_flavour flavour,
               version_type prefix)
{
    version_type count = (version_type)image->node->count;
    uint64_t page_sectors = CUT_PAGE_SIZE / CUT_SECTOR_SIZE;
    unsigned kept_share = (unsigned)(32 + cut_random_below(draws, 192));
    version_type page = count;
    for (uint64_t s = 0; s < image->sector_count; s++) {
        uint64_t sector = s + image->first_sector;
        bool is_page_begin = s == 0 || sector % page_sectors == 0;
        version_type version = prefix;
        bool is_unit_begin = flavour == CUT_FILE_TORN && cut_config.model == CUT_MODEL_STRICT;
        if (is_unit_begin || is_page_begin) {
            page = cut_random_chance(draws, kept_share) ? count : any_version(image->node, draws);
        }
        if (flavour == CUT_FILE_TORN || flavour == CUT_FILE_PAGES) {
            version = page;
        }
        version = version > image->high[s] ? image->high[s] : version;
        image->chosen[s] = version < image->low[s] ? image->low[s] : version;
    }
}

/* The ext4 model writes pages whole and sets the size after them: a size never covers a page behind
 * the durable end that is not there as it was written last. */
static uint64_t
bound_size(const struct file_image *image, uint64_t size)
{
    uint64_t durable_end = image->node->changes[0].size_before;
    uint64_t new_begin = (durable_end + CUT_PAGE_SIZE - 1) / CUT_PAGE_SIZE * CUT_PAGE_SIZE;
    if (cut_config.model != CUT_MODEL_EXT4) {
        return size;
    }
    for (uint64_t s = 0; s < image->sector_count; s++) {
        uint64_t offset = (s + image->first_sector) * CUT_SECTOR_SIZE;
        if (offset >= new_begin && offset < size && image->chosen[s] < image->node->count) {
            return offset / CUT_PAGE_SIZE * CUT_PAGE_SIZE;
        }
    }
    return size;
}

/* The size, by the same rules as a sector that every change of the size touches. */
static uint64_t
choose_size(const struct file_image *image, version_type wanted)
{
    const struct cut_node *node = image->node;
    version_type low = 0;
    version_type high = (version_type)node->count;
    for (uint64_t i = 0; i < node->count; i++) {
        const struct cut_change *change = &node->changes[i];
        bool is_resize = change->size_after != change->size_before;
        bool is_truncation = change->size_after < change->size_before;
        if (is_resize && ((change->flags & CUT_CHANGE_DURABLE) != 0 ||
                          (is_truncation && i < image->barriers_end))) {
            low = (version_type)i + 1;
        } else if (is_truncation && high > i) {
            high = (version_type)i;
        }
    }
    version_type version = wanted > high ? high : wanted;
    version = version < low ? low : version;
    while (version > low) {
        const struct cut_change *change = &node->changes[version - 1];
        if (change->size_after != change->size_before && (change->flags & CUT_CHANGE_LOST) == 0) {
            break;
        }
        version--;
    }
    return version == 0 ? node->changes[0].size_before : node->changes[version - 1].size_after;
}

static void
put_back(int fd, const struct cut_change *change, uint64_t begin, uint64_t end)
{
    static const unsigned char zeros[65536];
    uint64_t known_end = change->offset + change->old_length;
    begin = begin < change->offset ? change->offset : begin;
    end = end > change->offset + change->length ? change->offset + change->length : end;
    while (begin < end) {
        const unsigned char *source = zeros;
        uint64_t length = end - begin;
        if (begin < known_end) {
            source = change->old + (begin - change->offset);
            length = length < known_end - begin ? length : known_end - begin;
        } else if (length > sizeof(zeros)) {
            length = sizeof(zeros);
        }
        ssize_t done = syscall(SYS_pwrite64, fd, source, length, begin);
        if (done <= 0) {
            cut_die("the image cannot put bytes back: %s", strerror(errno));
        }
        begin += (uint64_t)done;
    }
}

static void
roll_back(const struct file_image *image, int fd)
{
    for (uint64_t i = image->node->count; i > 0; i--) {
        const struct cut_change *change = &image->node->changes[i - 1];
        uint64_t s;
        uint64_t end;
        sectors_of(image, change, &s, &end);
        while (s < end) {
            uint64_t run = s;
            while (run < end && image->chosen[run] < i) {
                run++;
            }
            if (run > s) {
                put_back(fd, change, (s + image->first_sector) * CUT_SECTOR_SIZE,
                         (run + image->first_sector) * CUT_SECTOR_SIZE);
            }
            s = run > s ? run : s + 1;
        }
    }
}

static void
count_sectors(const struct file_image *image, struct cut_image_totals *totals)
{
    totals->changes += image->node->count;
    totals->sectors += image->sector_count;
    for (uint64_t s = 0; s < image->sector_count; s++) {
        totals->sectors_old += image->chosen[s] < image->node->count;
    }
}

void
cut_file_image_make(struct cut_node *node, struct cut_random *draws, enum cut_file_flavour flavour,
                    uint64_t moment, struct cut_image_totals *totals)
{
    if (node->count > UINT32_MAX - 1) {
        cut_die("a file has too many unsynced changes");
    }
    version_type count = (version_type)node->count;
    if (flavour == CUT_FILE_DRAWN) {
        flavour = (enum cut_file_flavour)cut_random_below(draws, CUT_FILE_DRAWN);
    }
    version_type prefix = count;
    if (flavour == CUT_FILE_DROP) {
        prefix = 0;
    } else if (flavour == CUT_FILE_PREFIX) {
        prefix = moment != 0 ? prefix_at(node, moment) : any_version(node, draws);
    }
    bool is_piecewise = flavour == CUT_FILE_PAGES || flavour == CUT_FILE_TORN;
    version_type size_version = is_piecewise ? any_version(node, draws) : prefix;
    if (flavour == CUT_FILE_DROP || is_piecewise) {
        /* As often as not the size is there although the bytes are not. */
        size_version = cut_random_chance(draws, 128) ? count : size_version;
    }

    struct file_image image = {.node = node};
    measure(&image);
    choose_barriers(&image, is_piecewise ? any_version(node, draws) : prefix);
    bound_sectors(&image);
    choose_sectors(&image, draws, flavour, prefix);
    step_over_lost(&image);
    int fd = cut_sys_reopen(node->path_fd, O_RDWR);
    if (fd < 0) {
        cut_die("the image cannot open a file: %s", strerror(errno));
    }
    roll_back(&image, fd);
    if (syscall(SYS_ftruncate, fd, bound_size(&image, choose_size(&image, size_version))) != 0) {
        cut_die("the image cannot set a size: %s", strerror(errno));
    }
    syscall(SYS_close, fd);
    count_sectors(&image, totals);
    free(image.chosen);
    free(image.low);
    free(image.high);
    free(image.scratch);
}
