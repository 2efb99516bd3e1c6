#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lint_tap.sh"

tree_passes check-format
good_tree_passes check-format

bad_tree
echo 'int   f (void);' | append low/low_thing.h
refuses check-format 'low/low_thing.h:8: not as clang-format writes it' 'a line that clang-format would change'

plan
