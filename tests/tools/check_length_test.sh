#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lint_tap.sh"

lines() # count text
{
    awk -v count="$1" -v text="$2" 'BEGIN { for (i = 0; i < count; i++) print text }'
}

tree_passes check-length
good_tree_passes check-length

bad_tree
{ printf 'int\nlonger(void)\n{\n'; lines 68 '    f();'; printf '}\n'; } | append low/low_thing.c
refuses check-length 'low/low_thing.c:14: longer() has 71 lines, the limit is 70' 'a function of 71 lines'

bad_tree
{ printf 'int\nlong_enough(void)\n{\n'; lines 67 '    f();'; printf '}\n'; } | append low/low_thing.c
if output=$("$srcdir/tools/check-length" "$tree" 2>&1); then
    result ok 'a function of 70 lines is allowed'
else
    result not-ok 'a function of 70 lines is allowed' "$output"
fi

bad_tree
lines 594 '/* one more */' | append low/low_thing.h
refuses check-length 'the file has 601 lines, the limit is 600' 'a file of 601 lines'

plan
