#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The scripts at the root, as far as they do not start anything.
. "$(dirname "$0")/lint_tap.sh"
unset LODE_ROOT_ACCESS_KEY LODE_ROOT_SECRET_KEY

expect() # claim wanted-code text command...
{
    claim=$1 wanted=$2 text=$3
    shift 3
    output=$("$@" 2>&1 </dev/null)
    code=$?
    if [ $code -eq "$wanted" ] && printf '%s\n' "$output" | grep -qF -e "$text"; then
        result ok "$claim"
    else
        result not-ok "$claim" "exit code $code, no line with \"$text\" in: $output"
    fi
}

for script in run check tools/build-tree tools/install-packages tools/fuzz tools/check-long \
    tools/playground tools/prove-fresh-debian; do
    expect "$script --help explains itself" 0 "usage: " "$srcdir/$script" --help
    expect "$script refuses what it does not know" 2 "usage: " "$srcdir/$script" --no-such-option
done

expect 'run --env says that there are no keys yet' 1 'start ./run first' \
    "$srcdir/run" --env -- --data "$scratch/none"

mkdir -p "$scratch/a data"
printf '{"access_key": "AKEXAMPLE", "secret_key": "a-b_c"}\n' >"$scratch/a data/root-key.json"
expect 'run --env prints the keys for a shell' 0 \
    'export AWS_ACCESS_KEY_ID=AKEXAMPLE AWS_SECRET_ACCESS_KEY=a-b_c ' \
    "$srcdir/run" --env -- --data "$scratch/a data"
expect 'run --env names the endpoint that loded was told' 0 \
    'AWS_ENDPOINT_URL=https://127.0.0.1:9443' \
    "$srcdir/run" --env -- --data "$scratch/a data" --tls-cert c --listen=127.0.0.1:9443
expect 'keys in the environment come before the file' 0 'AWS_ACCESS_KEY_ID=of-the-environment ' \
    env LODE_ROOT_ACCESS_KEY=of-the-environment LODE_ROOT_SECRET_KEY=s "$srcdir/run" --env -- \
    --data "$scratch/a data"

expect 'install-packages lists without installing' 0 'librocksdb-dev' \
    "$srcdir/tools/install-packages" build --list

plan
