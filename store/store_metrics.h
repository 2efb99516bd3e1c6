/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metrics of all mountpaths in Prometheus' text form, for the admin listener: what each has
 * counted (store/home_metrics.h) and how it stands now.  See docs/metrics.md.
 */
#ifndef STORE_STORE_METRICS_H
#define STORE_STORE_METRICS_H

#include "base/bytes.h"
#include "store/store.h"

/* Appends; asks the file systems for their space, at most once a second. */
void store_append_metrics(struct store *store, struct buffer *out);

#endif
