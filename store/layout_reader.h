/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a range of the bytes that a layout names, as a source.  Each 64 KiB block is verified
 * before it is given out, and the header of the file or entry must name what the extent names; a
 * mismatch is ST_CORRUPT, never wrong bytes.
 */
#ifndef STORE_LAYOUT_READER_H
#define STORE_LAYOUT_READER_H

#include "store/home.h"
#include "stream/source.h"

struct layout_reader_options {
    const struct layout *layout; /* copied, with its arrays and inline bytes */
    uint64_t size;               /* of the whole object */
    uint64_t offset;
    uint64_t length;    /* offset + length <= size */
    bool is_unverified; /* bucket property verify_read=off: file_range may be offered */
    const char *what;   /* for errors and logs: "bucket/key", copied */
};

/* Takes the pin, which must be older than the record.  In READ_NO_WAIT mode nothing is opened from
 * a cold disk: ST_WOULD_WAIT leaves the pin with the caller. */
MUST_USE enum status layout_reader_open(const struct layout_reader_options *options,
                                        enum read_mode mode, struct home_pin *take_pin,
                                        struct source **ret_source, struct error *err);

#endif
