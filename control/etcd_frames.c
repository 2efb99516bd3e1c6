/* SPDX-License-Identifier: Apache-2.0 */
#include "control/etcd_frames.h"

#include "base/banned.h"

/* Memory of a rare large frame is given back (bytes). */
#define KEPT_BYTES_MAX ((size_t)1 << 20)

void
etcd_frames_init(struct etcd_frames *frames, size_t size_max, etcd_frame_fn *found, void *arg)
{
    *frames = (struct etcd_frames){.size_max = size_max, .found = found, .arg = arg};
}

void
etcd_frames_release(struct etcd_frames *frames)
{
    buffer_release(&frames->line);
}

static enum status
append(struct etcd_frames *frames, struct bytes part, struct error *err)
{
    if (part.size > frames->size_max - frames->line.size) {
        return fail(err, ST_TOO_LARGE, "a watch answer of etcd is above %zu bytes",
                    frames->size_max);
    }
    buffer_append_bytes(&frames->line, part);
    return ST_OK;
}

static enum status
end_line(struct etcd_frames *frames, struct error *err)
{
    struct bytes line = bytes_trim(buffer_bytes(&frames->line));
    enum status st = line.size > 0 ? frames->found(line, frames->arg, err) : ST_OK;

    if (frames->line.capacity > KEPT_BYTES_MAX) {
        buffer_release(&frames->line);
    } else {
        buffer_clear(&frames->line);
    }
    return st;
}

enum status
etcd_frames_feed(struct etcd_frames *frames, struct bytes part, struct error *err)
{
    enum status st = ST_OK;

    while (st == ST_OK && part.size > 0) {
        size_t end = bytes_find_char(part, 0, '\n');

        st = append(frames, bytes_slice(part, 0, end < part.size ? end : part.size), err);
        if (end >= part.size) {
            break;
        }
        part = bytes_slice(part, end + 1, part.size);
        if (st == ST_OK) {
            st = end_line(frames, err);
        }
    }
    return st;
}
