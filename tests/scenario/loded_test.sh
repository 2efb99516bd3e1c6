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
refused "unknown admin paths are refused" curl -sSf "$admin/secrets"
refused "the admin listener takes no PUT" curl -sSf -X PUT "$admin/metrics"
refused "headers do not make a principal" curl -sSf -H "x-lode-user: root" "$endpoint/scenario/key"

body_in_flight()
{
    local started
    head -c 3000000 /dev/zero >"$directory/body"
    curl -sS --fail-with-body -X PUT --aws-sigv4 aws:amz:us-east-1:s3 --limit-rate 3M \
        --user "$access_key:$secret_key" -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \
        --data-binary @"$directory/body" -w '%{http_code}' -o /dev/null \
        "$endpoint/scenario/slow" >"$directory/code" &
    started=$!
    # the server has begun to read this body when it holds memory for it
    until curl -sSf "$admin/metrics" | grep -qE '^lode_http_body_memory_bytes [1-9]'; do
        kill -0 "$started" || return 1
    done
    stop_server TERM
    wait "$started"
    [ "$(cat "$directory/code")" = 200 ]
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
