#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Disks come and go under a running server: objects stay readable, a resilver moves them, a restart
# and a kill in the middle change nothing.
. "$(dirname "$0")/scenario.sh"

has() # text command...
{
    local text=$1
    shift
    "$@" 2>&1 | grep -qF -- "$text"
}

# Every object as it was stored.
all_readable()
{
    for i in $(seq 1 "$object_count"); do
        lode get "files/k$i" "$directory/back" && cmp "$directory/content$((i % 3))" \
            "$directory/back" || return 1
    done
}

# What was dropped and not yet unlinked when the process was killed is the sweep's, an hour later.
no_findings_but_orphans()
{
    lode fsck --verify >"$directory/findings" 2>/dev/null
    cat "$directory/findings"
    ! grep -v "^a file that no record names\|findings; " "$directory/findings"
}

listed()
{
    test "$(lode ls -r --json files | grep -c '"key"')" = "$object_count"
}

object_count=24
head -c 300 /dev/urandom >"$directory/content0"
head -c 50000 /dev/urandom >"$directory/content1"
head -c 9000000 /dev/urandom >"$directory/content2"

start_server --mountpath "$directory/mp1" --mountpath "$directory/mp2"
lode mb files
for i in $(seq 1 "$object_count"); do
    lode put "$directory/content$((i % 3))" "files/k$i"
done

ok "mountpath ls shows both disks" has "mp2" lode mountpath ls
ok "show mountpath is the same" has "mp2" lode show mountpath
ok "attach" lode mountpath attach "$directory/mp3" --watch
ok "the new disk is active" has '"role":"active","state":"present"' lode mountpath ls --json
ok "no resilver is due" has '"resilver_due":false' lode mountpath ls --json
ok "all objects are there" all_readable
ok "each is listed once" listed
refused "a disk that is attached is not attached again" lode mountpath attach "$directory/mp3"
mkdir "$directory/foreign" && touch "$directory/foreign/file"
ok "a directory with foreign files is refused" has "is not empty" \
    lode mountpath attach "$directory/foreign"
refused "detach of a directory that is none" lode mountpath detach "$directory/foreign"

ok "detach" lode mountpath detach "$directory/mp1" --watch
ok "all objects are there" all_readable
ok "the disk was detached" has '"role":"detached"' lode mountpath ls --json
for _ in $(seq 1 200); do # upkeep closes it when nobody reads from it any more
    has '"may_be_pulled":true' lode mountpath ls --json && break
    read -r -t 0.1 <> <(:) || true
done
ok "and may be pulled" has '"may_be_pulled":true' lode mountpath ls --json
ok "the check finds nothing" has "0 findings" lode fsck --verify
mv "$directory/mp1" "$directory/pulled"
ok "all objects are there without it" all_readable

ok "disable" lode mountpath disable "$directory/mp2" --watch
ok "all objects are there" all_readable
refused "the last disk cannot be taken away" lode mountpath detach "$directory/mp3"
ok "enable, and a kill at once" lode mountpath enable "$directory/mp2"
stop_server KILL
start_server --mountpath "$directory/mp2" --mountpath "$directory/mp4"
ok "an option for a new disk attaches it" has "mp4" lode mountpath ls
ok "an attached disk needs no option; the resilver goes on" lode mountpath ls --watch
ok "all objects are there" all_readable
ok "each is listed once" listed
ok "the check finds nothing but files that the kill left" no_findings_but_orphans

mv "$directory/pulled" "$directory/mp1"
ok "the pulled disk is attached again" lode mountpath attach "$directory/mp1" --watch
ok "all objects are there" all_readable
ok "forget" has "are lost and listed" lode mountpath forget "$directory/mp1"
ok "the rest settles" lode mountpath ls --watch
refused "the forgotten disk is not taken back" lode mountpath attach "$directory/mp1"
ok "the check finds nothing but files that the kill left" no_findings_but_orphans
stop_server
done_testing
