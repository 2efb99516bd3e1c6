/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

void
check_failed(const char *file, int line, const char *function, const char *expression)
{
    fprintf(stderr, "%s:%d: %s: check failed: %s\n", file, line, function, expression);
    fflush(stderr);
    abort();
}
