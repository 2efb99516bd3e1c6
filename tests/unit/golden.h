/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in tests/golden pin what stands on disks or goes over wires, byte by byte: a change of a
 * format must not happen by the way.
 */
#ifndef TESTS_UNIT_GOLDEN_H
#define TESTS_UNIT_GOLDEN_H

#include "base/bytes.h"

/* Fails unless tests/golden/<name>.hex holds these bytes in hexadecimal; what they are now is
 * printed. */
void golden_expect(const char *name, struct bytes encoded);

#endif
