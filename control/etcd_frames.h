/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer to a watch is one JSON object after the other, each on a line of its own, without end.
 * This cuts what comes from the socket into lines.  One thread.
 */
#ifndef CONTROL_ETCD_FRAMES_H
#define CONTROL_ETCD_FRAMES_H

#include "base/bytes.h"

/* One watch answer: a thousand revisions of usual values, a few dozen of the largest, in base64.
 * Beyond it the watch gives up and reads all values in pages instead. */
#define ETCD_FRAME_BYTES_MAX ((size_t)64 << 20)

/* A status ends the stream with it. */
typedef enum status etcd_frame_fn(struct bytes frame, void *arg, struct error *err);

struct etcd_frames {
    struct buffer line;
    size_t size_max;
    etcd_frame_fn *found;
    void *arg;
};

void etcd_frames_init(struct etcd_frames *frames, size_t size_max, etcd_frame_fn *found, void *arg);
void etcd_frames_release(struct etcd_frames *frames);
/* ST_TOO_LARGE, or what found returned. */
MUST_USE enum status etcd_frames_feed(struct etcd_frames *frames, struct bytes part,
                                      struct error *err);

#endif
