#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lode as a user meets it: buckets, files in both sizes, users and keys, refusals.
. "$(dirname "$0")/scenario.sh"

output_has() # text command...
{
    local text=$1
    shift
    "$@" 2>&1 | grep -qF -- "$text"
}

start_server
head -c 100000 /dev/urandom >"$directory/small"
head -c 20000000 /dev/urandom >"$directory/large"

ok "mb" lode mb files
ok "mb of what is mine already" lode mb files
ok "put" lode put "$directory/small" files/a/small
ok "put in parts" lode put --part-size=5 "$directory/large" files/a/
ok "ls shows the bucket" output_has files lode ls
ok "ls shows a prefix" output_has "a/" lode ls files
ok "ls -r shows both" test "$(lode ls -r --json files | grep -c '"key"')" = 2
ok "get" lode get files/a/small "$directory/back"
ok "same bytes" cmp "$directory/small" "$directory/back"
ok "get of what was sent in parts" lode get files/a/large "$directory/back"
ok "same bytes" cmp "$directory/large" "$directory/back"
ok "get to standard output" cmp "$directory/small" <(lode get files/a/small -)
ok "stat shows size and checksum" output_has "x-amz-checksum-crc64nvme" lode stat files/a/large
: >"$directory/empty"
ok "put of an empty file" lode put "$directory/empty" files/empty
ok "its size is 0" output_has "content-length               0" lode stat files/empty

lode start rechunk files >"$directory/job"
ok "start rechunk prints the job's id" grep -q '^rechunk-' "$directory/job"
ok "its end is waited for" lode job wait "$(cat "$directory/job")"
ok "and nothing is another" cmp "$directory/large" <(lode get files/a/large -)
refused "rechunk of no bucket" lode start rechunk
refused "rechunk of a bucket that is not there" lode start rechunk nosuchbucket

refused "get of what is not there" lode get files/none "$directory/none"
refused "leaves no file" test -e "$directory/none"
refused "nor half of one" test -e "$directory/none.lode-part"
ok "and names the code" output_has NoSuchBucket lode rb nosuchbucket
refused "rb of a bucket that is not empty" lode rb files
refused "put of a directory" lode put "$directory" files/x
refused "an unknown command" lode frobnicate
refused "too few words" lode put files
ok "no keys: the sentence says where they were looked for" output_has LODE_ACCESS_KEY \
    env -u AWS_ACCESS_KEY_ID "$build/lode" --data "$directory/nowhere" ls

ok "key add" lode key add --json alice
lode key add --json bob >"$directory/bob"
bob_access=$(sed 's/.*"access_key":"\([^"]*\)".*/\1/' "$directory/bob")
bob_secret=$(sed 's/.*"secret_key":"\([^"]*\)".*/\1/' "$directory/bob")
as_bob()
{
    LODE_ACCESS_KEY=$bob_access LODE_SECRET_KEY=$bob_secret "$build/lode" --endpoint "$endpoint" "$@"
}
ok "a user makes a bucket" as_bob mb bobs
ok "and stores into it" as_bob put "$directory/small" bobs/k
refused "a user cannot list another's bucket" as_bob ls files
refused "nor read from it" as_bob get files/a/small "$directory/back"
refused "nor write to it" as_bob put "$directory/small" files/b
refused "nor make users" as_bob key add mallory
ok "root may read everything" lode get bobs/k "$directory/back"
ok "key ls shows the key" output_has "$bob_access" lode key ls bob
ok "key rm" lode key rm bob "$bob_access"
refused "a removed key is refused at once" as_bob ls bobs
refused "a secret is never shown by ls" output_has "$bob_secret" lode key ls alice

ok "rm" lode rm files/empty
ok "rm again is no error" lode rm files/empty
ok "rm -r" lode rm -r files/a/
ok "rb of the empty bucket" lode rb files
ok "rb --force" lode rb --force bobs
ok "nothing is left" test -z "$(lode ls)"
done_testing
