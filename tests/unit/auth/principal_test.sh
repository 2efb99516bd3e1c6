#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A principal of a request is made in one place: code outside auth/ can hold one, and neither make,
# copy nor change it, because that does not compile.
root=${LODE_SRCDIR:-$(cd "$(dirname "$0")/../../.." && pwd)}
work=$(mktemp -d "${TMPDIR:-/tmp}/lode-test-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
count=0

compiles() # body
{
    printf '#include "auth/authenticate.h"\n%s\n' "$1" >"$work/unit.c"
    ${LODE_CC:-cc} -std=gnu17 -D_GNU_SOURCE -Werror=implicit-function-declaration -I "$root" \
        -fsyntax-only "$work/unit.c" >"$work/log" 2>&1
}

report() # is-good claim
{
    count=$((count + 1))
    if [ "$1" = yes ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

accepts()
{
    if compiles "$1"; then report yes "$2"; else report no "$2"; sed 's/^/# /' "$work/log"; fi
}

refuses()
{
    if compiles "$1"; then report no "$2"; else report yes "$2"; fi
}

accepts 'bool f(const struct principal *p); bool f(const struct principal *p) { return principal_is_root(p); }' \
    holding_a_principal_compiles
refuses 'struct principal p;' defining_a_principal_does_not_compile
refuses 'struct principal *f(void); struct principal *f(void) { static struct principal p = {1}; return &p; }' \
    initialising_a_principal_does_not_compile
refuses 'unsigned long f(void); unsigned long f(void) { return sizeof(struct principal); }' \
    knowing_its_size_does_not_compile
refuses 'void f(struct principal *a, const struct principal *b); void f(struct principal *a, const struct principal *b) { *a = *b; }' \
    copying_a_principal_does_not_compile
refuses 'void f(struct principal *p); void f(struct principal *p) { p->is_root = true; }' \
    changing_a_principal_does_not_compile

# Who includes the private header: three files of auth/.  Tests may play any principal.
users=$(cd "$root" && grep -rl --include='*.[ch]' 'auth/principal_private\.h"' auth base cli control gateway iam jobs meta \
    native net object s3 store stream 2>/dev/null | sort | tr '\n' ' ')
if [ "$users" = "auth/authenticate.c auth/authenticate_vouch.c auth/principal.c " ]; then
    report yes only_auth_knows_what_a_principal_is
else
    report no only_auth_knows_what_a_principal_is
    echo "# $users"
fi
echo "1..$count"
