#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lint_tap.sh"

tree_passes check-headers
good_tree_passes check-headers

bad_tree
echo 'size_t high_size(void);' | append high/high_thing.h
refuses check-headers "high/high_thing.h:1: does not compile alone" 'a header that needs another before it'

plan
