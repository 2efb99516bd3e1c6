/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directory trees of tests.
 */
#ifndef TESTS_TEST_TREE_H
#define TESTS_TEST_TREE_H

/* Removes a file or a directory with all that is in it; nothing there is fine. */
void test_tree_remove(const char *path);

#endif
