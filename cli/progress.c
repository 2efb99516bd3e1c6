/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

#include "base/banned.h"

/* Often enough to look alive, rarely enough to cost nothing. */
#define PROGRESS_REDRAW_NS (100 * CLOCK_NS_PER_MS)
/* A transfer that is over sooner shows no bar at all. */
#define PROGRESS_DELAY_NS (300 * CLOCK_NS_PER_MS)
#define PROGRESS_NAME_COLUMNS 24
#define PROGRESS_BAR_COLUMNS_MAX 40
/* Name, percentage, sizes, rate and time stand beside the bar. */
#define PROGRESS_TEXT_COLUMNS 84

void
progress_format_size(uint64_t size, char *out, size_t out_size)
{
    static const char *const UNITS[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)size;
    size_t unit = 0;

    while (value >= 1024 && unit + 1 < sizeof(UNITS) / sizeof(UNITS[0])) {
        value /= 1024;
        unit++;
    }
    snprintf(out, out_size, unit == 0 ? "%.0f %s" : "%.1f %s", value, UNITS[unit]);
}

void
progress_begin(struct progress *progress, const char *name, uint64_t total, bool is_wanted)
{
    const char *slash = strrchr(name, '/');

    *progress = (struct progress){.name = slash != NULL && slash[1] != '\0' ? slash + 1 : name,
                                  .total = total,
                                  .started_ns = clock_monotonic_ns(),
                                  .is_shown = is_wanted && isatty(STDERR_FILENO)};
    progress->drawn_ns = progress->started_ns + PROGRESS_DELAY_NS - PROGRESS_REDRAW_NS;
}

static int
terminal_columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void
format_bar(double share, int columns, char *out)
{
    int filled = (int)(share * columns);

    for (int i = 0; i < columns; i++) {
        out[i] = (char)(i < filled ? '=' : i == filled ? '>' : ' ');
    }
    out[columns] = '\0';
}

static void
draw(const struct progress *progress, int64_t now_ns)
{
    double elapsed_s = (double)(now_ns - progress->started_ns) / (double)CLOCK_NS_PER_S;
    double rate = elapsed_s > 0 ? (double)progress->done / elapsed_s : 0;
    char done[16];
    char total[16];
    char speed[16];
    char bar[PROGRESS_BAR_COLUMNS_MAX + 1];
    int columns = terminal_columns() - PROGRESS_TEXT_COLUMNS;

    progress_format_size(progress->done, done, sizeof(done));
    progress_format_size((uint64_t)rate, speed, sizeof(speed));
    if (progress->total == 0) {
        fprintf(stderr, "\r\033[K%-*.*s  %s  %s/s", PROGRESS_NAME_COLUMNS, PROGRESS_NAME_COLUMNS,
                progress->name, done, speed);
        return;
    }
    progress_format_size(progress->total, total, sizeof(total));
    fprintf(stderr, "\r\033[K%-*.*s %3.0f%%", PROGRESS_NAME_COLUMNS, PROGRESS_NAME_COLUMNS,
            progress->name, 100.0 * (double)progress->done / (double)progress->total);
    if (columns >= 8) {
        columns = columns > PROGRESS_BAR_COLUMNS_MAX ? PROGRESS_BAR_COLUMNS_MAX : columns;
        format_bar((double)progress->done / (double)progress->total, columns, bar);
        fprintf(stderr, " [%s]", bar);
    }
    fprintf(stderr, " %9s of %s  %s/s", done, total, speed);
    if (rate > 0) {
        uint64_t left_s = (uint64_t)((double)(progress->total - progress->done) / rate);

        fprintf(stderr, "  %" PRIu64 ":%02" PRIu64, left_s / 60, left_s % 60);
    }
}

void
progress_update(struct progress *progress, uint64_t done)
{
    int64_t now_ns;

    progress->done = done;
    if (!progress->is_shown) {
        return;
    }
    now_ns = clock_monotonic_ns();
    if (now_ns - progress->drawn_ns >= PROGRESS_REDRAW_NS) {
        progress->drawn_ns = now_ns;
        draw(progress, now_ns);
    }
}

void
progress_end(struct progress *progress)
{
    if (progress->is_shown) {
        fprintf(stderr, "\r\033[K");
        fflush(stderr);
    }
}
