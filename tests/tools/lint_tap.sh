# SPDX-License-Identifier: Apache-2.0
# Sourced by the tests of tools/check-*: TAP, and a small tree that is in order until a test spoils it.
#
#   tree_passes CHECK                     the tree that this script stands in has no finding
#   bad_tree; (spoil it); refuses CHECK 'text of the finding' 'what is claimed'
#   good_tree_passes CHECK                the unspoiled small tree has no finding
#   plan                                  the last line

set -u
srcdir=${LODE_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
trap 'exit 99' HUP INT TERM
tree=$scratch/tree
count=0

result() # ok|not-ok claim [output]
{
    count=$((count + 1))
    if [ "$1" = ok ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        printf '%s\n' "$3" | sed 's/^/# /'
    fi
}

tree_passes()
{
    output=$("$srcdir/tools/$1" "$srcdir" 2>&1)
    case $? in
    0) result ok "the tree passes $1" ;;
    77)
        count=$((count + 1))
        echo "ok $count - the tree passes $1 # SKIP $(printf '%s\n' "$output" | tail -n 1)"
        plan
        exit 0
        ;;
    *) result not-ok "the tree passes $1" "$output" ;;
    esac
}

# Two folders, low under high, and all that the checks want to see.
bad_tree()
{
    rm -rf "$tree"
    mkdir -p "$tree/low" "$tree/high"
    cp "$srcdir/.clang-format" "$tree/"
    printf 'low:\nhigh: low\n' >"$tree/LAYERS"
    printf '# SPDX-License-Identifier: Apache-2.0\ninclude low/local.mk\ninclude high/local.mk\n' \
        >"$tree/Makefile.am"
    for folder in low high; do
        printf '# SPDX-License-Identifier: Apache-2.0\n' >"$tree/$folder/local.mk"
        cat >"$tree/$folder/${folder}_thing.h" <<END
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef THING_$folder
#define THING_$folder

int ${folder}_thing(int value);

#endif
END
        cat >"$tree/$folder/${folder}_thing.c" <<END
/* SPDX-License-Identifier: Apache-2.0 */
#include "$folder/${folder}_thing.h"

#include "low/low_thing.h"

#include "base/banned.h"

int
${folder}_thing(int value)
{
    return value;
}
END
    done
    mkdir "$tree/base"
    printf '/* SPDX-License-Identifier: Apache-2.0 */\n' >"$tree/base/banned.h"
    printf '# SPDX-License-Identifier: Apache-2.0\n' >"$tree/base/local.mk"
    printf 'base:\nlow: base\nhigh: base low\n' >"$tree/LAYERS"
    printf 'include base/local.mk\n' >>"$tree/Makefile.am"
}

good_tree_passes()
{
    bad_tree
    if output=$("$srcdir/tools/$1" "$tree" 2>&1); then
        result ok "$1 has nothing to say of a tree in order"
    else
        result not-ok "$1 has nothing to say of a tree in order" "$output"
    fi
}

refuses()
{
    output=$("$srcdir/tools/$1" "$tree" 2>&1)
    code=$?
    if [ $code -eq 1 ] && printf '%s\n' "$output" | grep -qF -e "$2"; then
        result ok "$1 refuses $3"
    else
        result not-ok "$1 refuses $3" "exit code $code, no line with \"$2\" in: $output"
    fi
}

# The last line of a C file of the small tree, before which a test puts its own.
append()
{
    cat >>"$tree/$1"
}

plan()
{
    echo "1..$count"
}
