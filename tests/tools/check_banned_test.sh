#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lint_tap.sh"

tree_passes check-banned
good_tree_passes check-banned

bad_tree
echo '#include "low/low_thing.h"' | append high/high_thing.c
refuses check-banned 'high/high_thing.c:1: the last #include must be "base/banned.h"' \
    'an include after base/banned.h'

bad_tree
sed -i '/banned/d' "$tree/low/low_thing.c"
refuses check-banned 'low/low_thing.c:1: the last #include' 'a file without base/banned.h'

bad_tree
echo '#include "base/banned.h"' | append low/low_thing.h
refuses check-banned 'only .c files include' 'base/banned.h in a header'

# one line of code for each rule
while IFS='|' read -r finding code; do
    bad_tree
    printf 'void f(void) { %s; }\n' "$code" | append low/low_thing.c
    refuses check-banned "low/low_thing.c:13: $finding" "$code"
done <<'END'
malloc: use the xmalloc|p = malloc(7)
strcpy: unbounded|strcpy(a, b)
atoi: accepts|n = atoi(text)
gmtime: not thread safe|t = gmtime(&now)
rand: use base/entropy.h|n = rand()
alloca: the stack|p = alloca(n)
system: a shell|system(text)
select: overruns|select(n, a, b, c, d)
signal: a handler|signal(2, handler)
mktemp: open to a race|mktemp(name)
inet_ntoa: not thread safe|inet_ntoa(a)
sleep: wait for an event|sleep(1)
assert: vanishes|assert(a == b)
memcmp: comparison time|if (memcmp(sent, key->secret_access, n) == 0) { g(); }
bytes_equal: comparison time|is = bytes_equal(signature, sent.value)
memset: the compiler|memset(secret, 0, n)
END

bad_tree
append low/low_thing.c <<'END'
/* malloc(1) in a comment */
const char *text = "malloc(1) in a string";
void h(void) { signal(SIGPIPE, SIG_IGN); }
int g = sizeof(pool->malloc(1)) + xmalloc(1);
END
if output=$("$srcdir/tools/check-banned" "$tree" 2>&1); then
    result ok 'comments, strings, members, longer names and ignored signals are left alone'
else
    result not-ok 'comments, strings, members, longer names and ignored signals are left alone' "$output"
fi

plan
