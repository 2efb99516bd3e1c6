# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scenarios of several nodes over a real etcd share, on top of scenario.sh: nodes by name,
# requests to one of them, patience.  Skips the whole scenario where there is no etcd.
. "$(dirname "${BASH_SOURCE[0]}")/scenario.sh"

if [ ! -x /usr/bin/etcd ]; then
    echo "1..0 # SKIP no etcd; tools/install-packages test"
    exit 0
fi
coproc etcd_cluster { exec "$build/tests/etcd/etcd_cluster" 1 2>/dev/null; }
read -r etcd <&"${etcd_cluster[0]}"
export LODE_ROOT_ACCESS_KEY=scenario-root LODE_ROOT_SECRET_KEY=scenario-secret
export LODE_ACCESS_KEY=$LODE_ROOT_ACCESS_KEY LODE_SECRET_KEY=$LODE_ROOT_SECRET_KEY
declare -A pids urls admins

ask_etcd() # line
{
    echo "$1" >&"${etcd_cluster[1]}"
    read -r answer <&"${etcd_cluster[0]}"
    test "$answer" = ok
}

# A lease of the cluster lasts 6 s; a loaded machine takes longer for everything else.
soon() # command...
{
    local i
    for i in $(seq 600); do
        "$@" >/dev/null 2>&1 && return 0
        read -r -t 0.1 <> <(:) || true
    done
    "$@"
}

launch() # node option...
{
    local node=$1
    shift
    : >"$directory/$node.stdout"
    "$build/loded" --listen 127.0.0.1:0 --data "$directory/$node" --etcd "$etcd" --cluster one \
        --node-id "$node" "$@" >"$directory/$node.stdout" 2>>"$directory/log" &
    pids[$node]=$!
}

serves() # node
{
    grep -q '^Lode serves' "$directory/$1.stdout" || return 1
    urls[$1]=$(sed -n 's|^Lode serves S3 on \(http[^ ]*\).*|\1|p' "$directory/$1.stdout")
    admins[$1]=$(sed -n 's|.*metrics and health on \(http[^ ]*\)$|\1|p' "$directory/$1.stdout")
}

start_node() # node option...
{
    launch "$@"
    soon serves "$1" && serves "$1"
}

end_node() # node signal
{
    kill "-$2" "${pids[$1]}"
    wait "${pids[$1]}" 2>/dev/null
    unset "pids[$1]"
}

end_all()
{
    local node
    for node in "${!pids[@]}"; do
        kill -TERM "${pids[$node]}" 2>/dev/null
    done
    for node in "${!pids[@]}"; do
        wait "${pids[$node]}" 2>/dev/null
    done
    pids=()
}
trap 'end_all; cleanup' EXIT

at() # node word...: lode
{
    local node=$1
    shift
    "$build/lode" --endpoint "${urls[$node]}" "$@"
}

ask() # node method path option...: S3 through that node
{
    local node=$1 method=$2 path=$3
    shift 3
    curl -sS -m 30 --aws-sigv4 aws:amz:us-east-1:s3 -u "$LODE_ACCESS_KEY:$LODE_SECRET_KEY" \
        -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' -X "$method" "$@" "${urls[$node]}$path"
}

answers() # status node method path option...
{
    local expected=$1
    shift
    test "$(ask "$@" -o "$directory/answer" -w '%{http_code}')" = "$expected"
}

says() # text command...
{
    local text=$1
    shift
    "$@" 2>&1 | grep -qF -- "$text"
}

fails_with() # text command...
{
    local text=$1 said
    shift
    said=$("$@" 2>&1) && return 1
    echo "$said"
    grep -qF -- "$text" <<<"$said"
}

# What a node says of the cluster: a filter over lode show cluster --json.
cluster() # node python-expression over c
{
    at "$1" show cluster --json | python3 -c "
import json, sys
c = json.load(sys.stdin)
n = {node['id']: node for node in c['nodes']}
sys.exit(0 if ($2) else 1)"
}

end_etcd()
{
    exec {etcd_cluster[1]}>&-
    wait "$etcd_cluster_PID"
}
