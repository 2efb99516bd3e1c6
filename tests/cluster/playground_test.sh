#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tools/playground, as a user runs it.
. "$LODE_SRCDIR/tests/scenario/scenario.sh"

playground="$LODE_SRCDIR/tools/playground"
export LODE_PLAYGROUND=$directory/playground

pids()
{
    "$playground" status 2>/dev/null | sed -n 's/.*process //p' | sort
}

put_and_get()
{
    eval "$("$playground" env)"
    echo content >"$directory/file"
    export LODE_ACCESS_KEY=$AWS_ACCESS_KEY_ID LODE_SECRET_KEY=$AWS_SECRET_ACCESS_KEY
    "$build/lode" mb demo || "$build/lode" ls demo || return 1
    "$build/lode" put "$directory/file" demo/file && "$build/lode" get demo/file "$directory/back" &&
        cmp "$directory/file" "$directory/back"
}

is_still_there()
{
    eval "$("$playground" env)"
    LODE_ACCESS_KEY=$AWS_ACCESS_KEY_ID LODE_SECRET_KEY=$AWS_SECRET_ACCESS_KEY \
        "$build/lode" get demo/file - | cmp - "$directory/file"
}

# One that has ended and whose parent does not ask is gone, too.
all_gone() # pid...
{
    for pid in "$@"; do
        case $(ps -o stat= -p "$pid") in '' | Z*) ;; *) return 1 ;; esac
    done
}

says() # code text command...
{
    local wanted=$1 text=$2 output code=0
    shift 2
    output=$("$@" 2>&1) || code=$?
    echo "exit code $code: $output"
    [ "$code" -eq "$wanted" ] && grep -qF -e "$text" <<<"$output"
}

interrupted_start()
{
    local pid code=0
    "$playground" start --build "$build" --foreground >"$directory/foreground" 2>&1 &
    pid=$!
    for _ in $(seq 600); do
        grep -q '^stop it' "$directory/foreground" && break
        kill -0 $pid 2>/dev/null || break
        sleep 0.1
    done
    # shellcheck disable=SC2046
    set -- $(pids)
    [ $# -gt 0 ] || { cat "$directory/foreground"; return 1; }
    kill -TERM $pid
    wait $pid || code=$?
    cat "$directory/foreground"
    [ $code -eq 0 ] && all_gone "$@"
}

trap '"$playground" clean >/dev/null 2>&1; cleanup' EXIT

ok 'nothing to stop is fine' says 0 'stopped' "$playground" stop
ok 'status without a playground says what to do' says 1 'playground start makes one' "$playground" status
ok 'a playground starts in one command' says 0 'endpoints' "$playground" start --build "$build" \
    --gateways 2 --targets 3 --mountpaths 2
ok 'it stores and returns a file' put_and_get
before=$(pids)
ok 'started again, nothing changes' says 0 'endpoints' "$playground" start
ok 'the same processes run' [ "$before" = "$(pids)" ]
node=$("$playground" status | awk '/target|node/ { print $1; exit }')
ok 'a node is killed' says 0 "$node killed" "$playground" kill "$node"
ok 'status shows it and fails' says 1 "stopped" "$playground" status
ok 'a node that is not there is refused by name' says 1 "$node" "$playground" kill nobody
ok 'it is started again' says 0 "$node is ready" "$playground" restart "$node"
ok 'all is well' says 0 "$node" "$playground" status
ok 'the file is still there' is_still_there
# shellcheck disable=SC2046
set -- $(pids)
ok 'stop stops' says 0 'stopped' "$playground" stop
ok 'no process is left' all_gone "$@"
ok 'started in the foreground, it stops all when it is ended' interrupted_start
ok 'clean removes the folder' says 0 'removed' "$playground" clean
ok 'nothing of it is left' [ ! -e "$LODE_PLAYGROUND" ]
mkdir -p "$LODE_PLAYGROUND" && touch "$LODE_PLAYGROUND/precious"
ok 'clean touches no folder that is not a playground' says 1 'not a playground' "$playground" clean
ok 'what lies there is still there' [ -e "$LODE_PLAYGROUND/precious" ]
done_testing
