/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes XML into a buffer.  Text is escaped; characters that XML 1.0 cannot hold become character
 * references that only XML 1.1 parsers take, as S3 does, unless the caller percent-encodes first.
 */
#ifndef BASE_XML_WRITER_H
#define BASE_XML_WRITER_H

#include "base/bytes.h"

/* <?xml version="1.0" encoding="UTF-8"?> and the root's start tag; xmlns may be NULL. */
void xml_begin_document(struct buffer *out, const char *root, const char *xmlns);
void xml_open(struct buffer *out, const char *name);
void xml_close(struct buffer *out, const char *name);
void xml_element(struct buffer *out, const char *name, struct bytes text);
void xml_element_string(struct buffer *out, const char *name, const char *text);
void xml_element_u64(struct buffer *out, const char *name, uint64_t value);
void xml_element_bool(struct buffer *out, const char *name, bool value);
void xml_escape(struct buffer *out, struct bytes text);

#endif
