/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes on their way in: a chain of sinks, each embedded as first member in its own struct, each
 * passing on to the next.  PUT: [limit] [aws-chunked] [digests] -> store.  The network layer calls
 * write once per filled buffer, on a worker, never two calls at once; between calls no thread is
 * held.
 *
 *   open (by the constructor) -> write* -> finish -> release       all bytes came
 *   open -> write* -> release                                      anything went wrong: give up
 * After a write or finish that failed only release may follow.
 */
#ifndef STREAM_SINK_H
#define STREAM_SINK_H

#include "base/affinity.h"
#include "base/bytes.h"
#include "base/status.h"

struct sink;

struct sink_ops {
    /* Take all of data (borrowed for the call).  May block on disks. */
    enum status (*write)(struct sink *sink, struct bytes data, struct error *err);
    /* The stream ended here: check what can be checked, pass it on.  May block. */
    enum status (*finish)(struct sink *sink, struct error *err);
    /* Give back everything that finish did not hand over, and the next sinks.  Any thread. */
    void (*release)(struct sink *sink);
};

struct sink {
    const struct sink_ops *ops;
};

MUST_USE ON_WORKER static inline enum status
sink_write(struct sink *sink, struct bytes data, struct error *err)
{
    return sink->ops->write(sink, data, err);
}

MUST_USE ON_WORKER static inline enum status
sink_finish(struct sink *sink, struct error *err)
{
    return sink->ops->finish(sink, err);
}

static inline void
sink_release(struct sink **take_sink)
{
    if (*take_sink != NULL) {
        (*take_sink)->ops->release(*take_sink);
        *take_sink = NULL;
    }
}

#endif
