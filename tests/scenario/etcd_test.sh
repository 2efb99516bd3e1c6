#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# loded over a real etcd: control values live there, and a node keeps to what it began with.
. "$(dirname "$0")/scenario.sh"

if [ ! -x /usr/bin/etcd ]; then
    echo "1..0 # SKIP no etcd; tools/install-packages test"
    exit 0
fi
coproc etcd_cluster { "$build/tests/etcd/etcd_cluster" 1 2>&1; }
read -r etcd <&"${etcd_cluster[0]}"

ask_etcd() # line
{
    echo "$1" >&"${etcd_cluster[1]}"
    read -r answer <&"${etcd_cluster[0]}"
    test "$answer" = ok
}

says() # text command...
{
    local text=$1
    shift
    "$@" >"$directory/said" 2>&1
    cat "$directory/said"
    grep -qF -- "$text" "$directory/said"
}

start() # directory option...
{
    local data=$1
    shift
    "$build/loded" --listen 127.0.0.1:0 --data "$data" "$@"
}

# The public listener answers, whatever it says.
put_refused_for_now()
{
    case $(s3 PUT /later -o "$directory/answer" -w '%{http_code}' 2>/dev/null) in
    503) return 0 ;;
    *) return 1 ;;
    esac
}

made_soon() # bucket
{
    local i
    for i in $(seq 600); do
        s3 PUT "/$1" >/dev/null 2>&1 && return 0
        read -r -t 0.05 <> <(:) || true
    done
    return 1
}

ok "etcd is there" test -n "$etcd"
ok "http:// to another machine needs a word" says --insecure-etcd \
    start "$directory/other" --etcd http://192.0.2.1:2379
ok "the server starts" start_server --etcd "$etcd" --cluster one
ok "it printed the keys of the first start" grep -qF -- "$secret_key" "$directory/stdout"
ok "a bucket is made" s3 PUT /scenario
ok "an object is stored" s3 PUT /scenario/key --data-binary 0123456789
ok "and read" test "$(s3 GET /scenario/key)" = 0123456789
ok "and listed" says "<Key>key</Key>" s3 GET /scenario

ask_etcd "kill 0"
ok "without etcd an object is read" test "$(s3 GET /scenario/key)" = 0123456789
ok "and stored" s3 PUT /scenario/key2 --data-binary abc
ok "but no bucket is made" put_refused_for_now
ok "etcd returns" ask_etcd "start 0"
ok "and a bucket is made without help" made_soon again
stop_server

first_secret=$secret_key
ok "it starts again" start_server --etcd "$etcd" --cluster one
ok "with the same keys" test "$secret_key" = "$first_secret"
ok "and the same objects" test "$(s3 GET /scenario/key2)" = abc
stop_server
ok "without --etcd it does not start" says "start with --etcd" start "$directory/data"
ok "nor for another cluster" says "belongs to the cluster one" \
    start "$directory/data" --etcd "$etcd" --cluster two

data_of_one=$directory/data
mv "$data_of_one" "$directory/data-of-one"
# A gateway: a target would wait for the first one, which does not run, to give keys away.
ok "another node of the cluster starts" start_server --etcd "$etcd" --cluster one --role gateway
ok "it has the cluster's keys" test "$secret_key" = "$first_secret"
ok "and its buckets" says "<Name>scenario</Name>" s3 GET /
stop_server
rm -r "$data_of_one"
ok "a node alone" start_server
ok "with a bucket" s3 PUT /alone
stop_server
ok "is not taken for a cluster's" says "buckets and users of a single node" \
    start "$directory/data" --etcd "$etcd" --cluster one

exec {etcd_cluster[1]}>&-
wait "$etcd_cluster_PID"
rm -r "$directory/data"

coproc etcd_cluster { "$build/tests/etcd/etcd_cluster" 1 --tls 2>&1; }
read -r etcd <&"${etcd_cluster[0]}"
read -r files <&"${etcd_cluster[0]}"
ok "an etcd of another authority is refused" says "certificate" start "$directory/data" \
    --etcd "$etcd" --etcd-ca "$files/other-ca.pem" --etcd-cert "$files/client.pem" \
    --etcd-key "$files/client.key"
ok "over TLS the server starts" start_server --etcd "$etcd" --etcd-ca "$files/ca.pem" \
    --etcd-cert "$files/client.pem" --etcd-key "$files/client.key"
ok "and makes a bucket" s3 PUT /tls
stop_server
exec {etcd_cluster[1]}>&-
wait "$etcd_cluster_PID"
done_testing
