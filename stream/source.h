/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes on their way out, pulled by whoever sends them.  The network layer asks first on its loop
 * without waiting, and after ST_WOULD_WAIT once more on a worker.  One call at a time.
 */
#ifndef STREAM_SOURCE_H
#define STREAM_SOURCE_H

#include <sys/types.h>

#include "base/affinity.h"
#include "base/bytes.h"
#include "base/status.h"

enum read_mode {
    READ_NO_WAIT, /* ST_WOULD_WAIT instead of waiting for a disk or a lock; nothing was consumed */
    READ_MAY_WAIT /* ON_WORKER */
};

struct source;

struct source_ops {
    /* Fill out with 1 to capacity bytes; *ret_size 0 means the end.  Bytes given are verified.
     * ST_CORRUPT, ST_IO: the stream is over and the receiver must see that it was cut. */
    enum status (*read)(struct source *source, enum read_mode mode, char *out, size_t capacity,
                        size_t *ret_size, struct error *err);
    /* Optional (NULL): the next bytes stand in a file and may be sent from there unverified. False:
     * use read.  On true the caller must take exactly *ret_size bytes by sendfile before it asks
     * again; fd stays the source's. */
    bool (*file_range)(struct source *source, int *ret_fd, off_t *ret_offset, size_t *ret_size);
    void (*release)(struct source *source); /* any thread */
};

struct source {
    const struct source_ops *ops;
};

MUST_USE static inline enum status
source_read(struct source *source, enum read_mode mode, char *out, size_t capacity,
            size_t *ret_size, struct error *err)
{
    return source->ops->read(source, mode, out, capacity, ret_size, err);
}

static inline void
source_release(struct source **take_source)
{
    if (*take_source != NULL) {
        (*take_source)->ops->release(*take_source);
        *take_source = NULL;
    }
}

#endif
