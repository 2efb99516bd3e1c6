/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that our code may not call, each with a better one beside it.  Included last in every
 * .c file (tools/check-banned verifies that); never in a header.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* use xmalloc and friends, or a bounded pool for what a client sizes */
#ifndef BASE_MEMORY_IMPLEMENTATION
#pragma GCC poison malloc calloc realloc reallocarray strdup strndup asprintf vasprintf
#endif
/* use struct bytes, struct buffer, snprintf */
#pragma GCC poison strcpy strncpy strcat strncat sprintf vsprintf gets stpcpy
/* use bytes_find and friends, parse_u64 */
#pragma GCC poison strtok strtok_r atoi atol atoll
/* not thread safe */
#pragma GCC poison gmtime localtime asctime ctime rand random srand srandom

#endif
