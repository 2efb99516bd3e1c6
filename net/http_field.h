/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the heads of requests and of answers have in common, as pure functions of a stranger's
 * bytes.  SPEC: RFC 9112 2.2 (line ends), RFC 9110 5.6 (tokens, lists).
 */
#ifndef NET_HTTP_FIELD_H
#define NET_HTTP_FIELD_H

#include "base/bytes.h"

/* In place, ASCII. */
void http_field_lower_case(char *text, size_t size);
/* Is word among the comma-separated tokens of value? */
bool http_field_has_token(struct bytes value, const char *word);
/* Does a line of text end in LF alone? */
bool http_field_has_bare_line_feed(struct bytes text);

#endif
