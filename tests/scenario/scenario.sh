# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scenarios of whole programs share: TAP, a server of their own on free ports, its end.
# A scenario ends with `done_testing`.

build=${LODE_BUILDDIR:?"run by make check"}
directory=$(mktemp -d "${TMPDIR:-/tmp}/lode-scenario-XXXXXX")
server_pid=
test_count=0

stop_server() # [signal]
{
    [ -n "$server_pid" ] || return 0
    kill "-${1:-TERM}" "$server_pid" 2>/dev/null
    wait "$server_pid" 2>/dev/null
    server_exit=$?
    server_pid=
}

cleanup()
{
    stop_server
    rm -rf "$directory"
}
trap cleanup EXIT

# The condition is a command; what it printed is shown when it fails.
ok() # claim command...
{
    local claim=$1
    shift
    test_count=$((test_count + 1))
    if "$@" >"$directory/output" 2>&1; then
        echo "ok $test_count - $claim"
    else
        echo "not ok $test_count - $claim"
        sed 's/^/# /' "$directory/output" | head -n 40
        [ ! -f "$directory/log" ] || tail -n 10 "$directory/log" | sed 's/^/# log: /'
    fi
}

refused() # claim command...
{
    local claim=$1
    shift
    ok "$claim" not "$@"
}

not()
{
    ! "$@"
}

done_testing()
{
    echo "1..$test_count"
}

# The server chooses its ports and prints them; its first line about them means that it listens.
start_server() # option...
{
    : >"$directory/stdout" # what the server before this one said is not about this one
    "$build/loded" --listen 127.0.0.1:0 --data "$directory/data" "$@" >"$directory/stdout" \
        2>>"$directory/log" &
    server_pid=$!
    while ! grep -q '^Lode serves' "$directory/stdout"; do
        kill -0 "$server_pid" 2>/dev/null || return 1
        read -r -t 0.05 <> <(:) || true
    done
    endpoint=$(sed -n 's|^Lode serves S3 on \(http[^ ]*\).*|\1|p' "$directory/stdout")
    admin=$(sed -n 's|.*metrics and health on \(http[^ ]*\)$|\1|p' "$directory/stdout")
    if [ -f "$directory/data/root-key.json" ]; then
        access_key=$(sed 's/.*"access_key": "\([^"]*\)".*/\1/' "$directory/data/root-key.json")
        secret_key=$(sed 's/.*"secret_key": "\([^"]*\)".*/\1/' "$directory/data/root-key.json")
    fi
}

lode() # word...
{
    "$build/lode" --endpoint "$endpoint" --data "$directory/data" "$@"
}

s3() # method path curl-option...
{
    local method=$1 path=$2
    shift 2
    curl -sS --fail-with-body -X "$method" --aws-sigv4 aws:amz:us-east-1:s3 \
        --user "$access_key:$secret_key" -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$@" \
        "$endpoint$path"
}
