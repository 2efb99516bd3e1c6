/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an S3 request costs, from its head alone, and how one is refused because of the load: for
 * struct http_admission, before anything of the request is looked at.  arg is the struct s3.
 */
#ifndef S3_S3_ADMISSION_H
#define S3_S3_ADMISSION_H

#include "s3/s3_dialect.h"

/* An http_classify_fn: as the table of operations says. */
ON_LOOP enum load_class s3_classify(struct http_exchange *exchange, void *arg);
/* An http_refuse_fn: 503 SlowDown with Retry-After. */
ON_LOOP void s3_refuse(struct http_exchange *exchange, unsigned retry_after_s, const char *sentence,
                       void *arg);

#endif
