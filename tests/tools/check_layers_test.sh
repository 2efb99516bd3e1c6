#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lint_tap.sh"

tree_passes check-layers
good_tree_passes check-layers

bad_tree
echo '#include "high/high_thing.h"' | append low/low_thing.h
refuses check-layers 'low/low_thing.h:8: low/ may not include high/' 'an include of a higher folder'

bad_tree
cp "$tree/low/low_thing.h" "$tree/low/low_internal.h"
echo '#include "low/low_internal.h"' | append low/low_thing.c
good_result=$("$srcdir/tools/check-layers" "$tree" 2>&1) &&
    result ok 'an internal header serves its own folder' ||
    result not-ok 'an internal header serves its own folder' "$good_result"

bad_tree
cp "$tree/low/low_thing.h" "$tree/low/low_internal.h"
echo '#include "low/low_internal.h"' | append high/high_thing.c
refuses check-layers '"low/low_internal.h" is for low/ alone' 'an internal header of another folder'

bad_tree
echo '#include "low_thing.h"' | append low/low_thing.c
refuses check-layers 'write it as "folder/file.h"' 'an include without its folder'

bad_tree
echo '#include "low/none.h"' | append low/low_thing.c
refuses check-layers 'no such file in the tree' 'an include of nothing'

bad_tree
printf 'base: low\nlow: base\nhigh: low\n' >"$tree/LAYERS"
refuses check-layers 'no row above it' 'ranks that form a circle'

bad_tree
echo 'loft: low' >>"$tree/LAYERS"
refuses check-layers 'loft has a row but no loft/local.mk' 'a row without a folder'

bad_tree
mkdir "$tree/loft" && cp "$tree/low/low_thing.h" "$tree/loft/loft.h"
refuses check-layers 'loft holds C code but has no row' 'a folder without a row'

bad_tree
echo '<rocksdb/: low' >>"$tree/LAYERS"
echo '#include <rocksdb/c.h>' | append high/high_thing.c
refuses check-layers 'high/high_thing.c:13: <rocksdb/c.h> is at home in low only' 'a foreign library away from home'

bad_tree
sed -i '/high/d' "$tree/Makefile.am"
refuses check-layers 'no `include high/local.mk`' 'a folder that is not built'

plan
