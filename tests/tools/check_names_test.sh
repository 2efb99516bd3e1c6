#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lint_tap.sh"

tree_passes check-names
good_tree_passes check-names

bad_tree
cp "$tree/low/low_thing.h" "$tree/high/"
refuses check-names 'the name low_thing is taken: high/low_thing.h' 'a basename used in two folders'

bad_tree
sed -i 1d "$tree/low/low_thing.c"
refuses check-names 'low/low_thing.c:1: this line must be: SPDX' 'a C file without its licence'

bad_tree
printf '#!/bin/sh\necho hello\n' >"$tree/script"
refuses check-names 'script:2: this line must be: SPDX' 'a script without its licence'

bad_tree
echo "/* TO""DO: later */" | append low/low_thing.c
refuses check-names 'low/low_thing.c:13: a note to oneself needs its issue' 'a note without an issue'

for place in work root home; do
    bad_tree
    echo "see /$place/someone/file" >"$tree/notes.md"
    refuses check-names "notes.md:1: a path of one machine: /$place/s" "a path below /$place"
done

bad_tree
printf 'text \n' >"$tree/notes.md"
refuses check-names 'notes.md:1: white space at the end' 'trailing white space'

bad_tree
printf 'text' >"$tree/notes.md"
refuses check-names 'notes.md:1: no newline at the end' 'a last line without a newline'

plan
