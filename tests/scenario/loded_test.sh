#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# loded as an operator meets it: first start, keys, health, metrics, logs, end, refusals.
. "$(dirname "$0")/scenario.sh"

output_has() # text command...
{
    local text=$1
    shift
    "$@" 2>&1 | grep -qF -- "$text"
}

refused "no data directory is a refusal" "$build/loded"
ok "and says so" output_has "--data DIR is needed" "$build/loded"
ok "an unknown option is named" output_has "--nonsense" "$build/loded" --nonsense
ok "a size that is none is named" output_has "'much'" "$build/loded" --data x --memory much
ok "--help lists the options" output_has "--free-floor" "$build/loded" --help
ok "--version prints it" output_has "loded 0." "$build/loded" --version
ok "--print-config shows values with their origin" output_has "(option)" \
    "$build/loded" --data x --print-config
ok "secrets of the environment are masked" not output_has "top-secret-key" \
    env LODE_ROOT_ACCESS_KEY=root LODE_ROOT_SECRET_KEY=top-secret-key "$build/loded" --print-config

ok "the server starts" start_server --access-log "$directory/access"
ok "it printed the keys of the first start" grep -qF -- "$secret_key" "$directory/stdout"
ok "they are kept for the owner only" test "$(stat -c %a "$directory/data/root-key.json")" = 600
ok "it is live" curl -sSf "$admin/healthz/live"
ok "it is ready" output_has '"ready":true' curl -sSf "$admin/healthz/ready"
ok "a bucket is made" s3 PUT /scenario
ok "an object is stored" s3 PUT /scenario/key --data-binary 0123456789
ok "and read" test "$(s3 GET /scenario/key)" = 0123456789
refused "anonymous requests are refused" curl -sSf "$endpoint/scenario/key"
ok "metrics count requests" grep -qE '^lode_' <(curl -sSf "$admin/metrics")
ok "metrics count what each mountpath wrote and committed" \
    grep -qE '^lode_store_commits_total\{mountpath="[^"]+"\} [1-9]' <(curl -sSf "$admin/metrics")
ok "no name of a metric is explained twice" \
    test -z "$(curl -sSf "$admin/metrics" | grep '^# TYPE' | sort | uniq -d)"
undocumented()
{
    curl -sSf "$admin/metrics" | awk '$1 == "#" && $2 == "TYPE" {print $3}' | while read -r name; do
        grep -qF "\`$name\`" "$(dirname "$0")/../../docs/metrics.md" || echo "$name"
    done
}
ok "docs/metrics.md names every metric" test -z "$(undocumented)"
refused "unknown admin paths are refused" curl -sSf "$admin/secrets"
refused "the admin listener takes no PUT" curl -sSf -X PUT "$admin/metrics"
refused "headers do not make a principal" curl -sSf -H "x-lode-user: root" "$endpoint/scenario/key"

received_half()
{
    curl -sS "$admin/metrics" >"$directory/metrics"
    awk '/^lode_http_received_bytes_total/ {if ($2 >= 1500000) found = 1} END {exit !found}' \
        "$directory/metrics"
}

# A body whose second half is sent when the server has been told to end.
body_in_flight()
{
    local client
    mkfifo "$directory/go_on"
    AWS_ACCESS_KEY_ID=$access_key AWS_SECRET_ACCESS_KEY=$secret_key python3 \
        "$(dirname "$0")/put_in_halves.py" "${endpoint##*:}" /scenario/slow 3000000 \
        <"$directory/go_on" >"$directory/answer" &
    client=$!
    exec 9>"$directory/go_on"
    until received_half; do
        kill -0 "$client" || return 1
    done
    kill -TERM "$server_pid"
    until grep -q gateway_stopping "$directory/log"; do
        kill -0 "$server_pid" || return 1
    done
    echo >&9
    exec 9>&-
    wait "$client"
    cat "$directory/answer"
    wait "$server_pid"
    server_exit=$?
    server_pid=
    grep -q '^200' "$directory/answer"
}
ok "a request in flight is finished at the end" body_in_flight
ok "the end is clean" test "$server_exit" = 0
ok "the access log has a line for each request" test "$(grep -c '"operation":"PutObject"' "$directory/access")" = 2
refused "and no signature" grep -qi 'signature' "$directory/access"
refused "no secret in the log" grep -qF -- "$secret_key" "$directory/log"

first_secret=$secret_key
ok "it starts again over the same data" start_server
ok "with the same keys" test "$secret_key" = "$first_secret"
refused "which are not shown again" grep -qF -- "$secret_key" "$directory/stdout"
ok "what was acknowledged is there" test "$(s3 GET /scenario/key)" = 0123456789
ok "also what was in flight" test "$(s3 GET /scenario/slow | wc -c)" = 3000000
ok "kill -9 ends it" stop_server KILL
ok "it starts after kill -9" start_server
ok "and has everything" test "$(s3 GET /scenario/key)" = 0123456789
refused "a second server over the same data is refused" \
    timeout 20 "$build/loded" --listen 127.0.0.1:0 --data "$directory/data"
ok "and the first goes on" test "$(s3 GET /scenario/key)" = 0123456789
done_testing
