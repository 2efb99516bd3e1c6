#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The checker on a stopped and on a running server, and the recovery of a lost DATA.
. "$(dirname "$0")/scenario.sh"

mountpaths=(--mountpath "$directory/a" --mountpath "$directory/b")

fsck() # option...
{
    "$build/loded" --data "$directory/data" "${mountpaths[@]}" --fsck "$@"
}

exits() # code command...
{
    local wanted=$1 code=0
    shift
    "$@" || code=$?
    [ "$code" = "$wanted" ]
}

flip_byte() # file offset
{
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "%b" "\\x$(printf %02x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

start_server "${mountpaths[@]}"
head -c 100 /dev/urandom >"$directory/tiny"
head -c 100000 /dev/urandom >"$directory/small"
head -c 3000000 /dev/urandom >"$directory/large"
lode mb checked >"$directory/output"
for name in tiny small large; do
    ok "put of $name" lode put "$directory/$name" "checked/$name"
done
ok "put over an object" lode put "$directory/small" checked/large
ok "put in its place again" lode put "$directory/large" checked/large
ok "rm" lode rm checked/tiny
ok "the running server's check is clean" lode fsck --verify
ok "as JSON too" lode fsck --json
ok "while the server runs, a check from outside cannot run" exits 2 fsck
stop_server KILL
ok "after kill -9 everything is in order" fsck --verify
ok "the summary is JSON" eval 'fsck --json | grep -q "\"findings\":0"'

# every large chunk file: one that was overwritten before the kill may still be there
while read -r chunk; do
    flip_byte "$chunk" 1000000
    large=$chunk
done < <(find "$directory/a/chunks" "$directory/b/chunks" -type f -size +2000k)
ok "existence alone does not show a flipped bit" exits 0 fsck
ok "reading shows it" exits 1 fsck --verify
ok "and names the object" eval 'fsck --verify | grep -q "large"'
start_server "${mountpaths[@]}"
refused "a read of damaged bytes fails" lode get checked/large "$directory/back"
refused "and leaves nothing" test -e "$directory/back"
ok "the others are whole" cmp "$directory/small" <(lode get checked/small -)
ok "the running check finds it too" exits 1 lode fsck --verify
ok "an overwrite mends it" lode put "$directory/large" checked/large
ok "it reads again" cmp "$directory/large" <(lode get checked/large -)
stop_server

stray=$(dirname "$large")/00112233445566778899aabbccddeeff
head -c 5000 /dev/zero >"$stray"
ok "a young orphan is no finding" exits 0 fsck
ok "an old one is" exits 1 fsck --sweep-age-s 0
ok "which a repair removes" exits 0 fsck --sweep-age-s 0 --repair
refused "it is gone" test -e "$stray"
ok "and all is in order" exits 0 fsck --sweep-age-s 0 --verify

lode_data=$directory/data
refused "recovery does not touch a DATA that is there" "$build/loded" --data "$lode_data" "${mountpaths[@]}" --recover
mv "$lode_data" "$directory/lost"
refused "a mountpath of another node is refused" timeout 20 "$build/loded" --listen 127.0.0.1:0 \
    --data "$lode_data" "${mountpaths[@]}"
rm -rf "$lode_data"
ok "a lost DATA is rebuilt" "$build/loded" --data "$lode_data" "${mountpaths[@]}" --recover
start_server "${mountpaths[@]}"
ok "buckets and objects are there" cmp "$directory/small" <(lode get checked/small -)
stop_server
ok "in order" exits 0 fsck --verify
done_testing
