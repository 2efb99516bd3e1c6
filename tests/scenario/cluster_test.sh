#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Several nodes over a real etcd: they join, show each other's state, follow the leader and replace
# it, refuse who does not belong, and go on while etcd is away.
. "$(dirname "$0")/nodes.sh"

health() # status node path
{
    test "$(curl -sS -o "$directory/answer" -w '%{http_code}' "${admins[$2]}/healthz/$3")" = "$1"
}

answers_to_alice() # node
{
    local access secret
    access=$(sed 's/.*"access_key":"\([^"]*\)".*/\1/' "$directory/alice")
    secret=$(sed 's/.*"secret_key":"\([^"]*\)".*/\1/' "$directory/alice")
    LODE_ACCESS_KEY=$access LODE_SECRET_KEY=$secret answers 200 "$1" GET /
}

all_are_read() # node
{
    test "$(for key in a b c d; do ask "$1" GET "/scenario/$key"; done)" = firstsecondthirdfourth
}

# ---- joining ----

ok "the first node makes the cluster" start_node node-one
ok "a second one joins" start_node node-two
ok "a gateway joins" start_node gate-one --role gateway
ok "a target joins" start_node target-3 --role target
ok "each node shows all" cluster gate-one "sorted(n) == ['gate-one', 'node-one', 'node-two', 'target-3']"
ok "with their roles" cluster node-two "n['target-3']['target'] and not n['target-3']['gateway']"
ok "the placement comes to its end" soon cluster gate-one "c['stage'] == 'done'"
ok "everyone is healthy" soon health 200 gate-one cluster
ok "a bucket is made through the gateway" ask gate-one PUT /scenario
ok "and known to the others when that is answered" says "<Name>scenario</Name>" ask node-two GET /
ok "objects are stored through one node" answers 200 gate-one PUT /scenario/a --data-binary first
ok "and another" answers 200 node-one PUT /scenario/b --data-binary second
ok "and read through any" test "$(ask node-two GET /scenario/a)$(ask gate-one GET /scenario/b)" = firstsecond
ok "a target refuses S3" answers 400 target-3 GET /scenario/a
ok "and names a gateway" says "use a gateway, such as http://" ask target-3 GET /scenario/a
ok "but says that it is well" test \
    "$(curl -sS -o /dev/null -w '%{http_code}' "${urls[target-3]}/v1/health")" = 200
ok "who claims to be a node is refused where clients come" test "$(curl -sS -o /dev/null \
    -w '%{http_code}' -H 'lode-peer: key=1' "${urls[node-one]}/scenario/a")" = 403

# ---- who does not belong ----

mkdir "$directory/stranger-1"
echo '{"cluster":"another-one","map_version":1}' >"$directory/stranger-1/cluster.json"
ok "a node of another cluster does not start and says what to do" fails_with \
    "belongs to cluster another-one" timeout 60 "$build/loded" --listen 127.0.0.1:0 \
    --data "$directory/stranger-1" --etcd "$etcd" --cluster one --node-id stranger-1
ok "nor does one with an id that placement cannot use" fails_with "cannot be used" timeout 60 "$build/loded" \
    --listen 127.0.0.1:0 --data "$directory/short" --etcd "$etcd" --cluster one --node-id short
ok "a gateway needs a cluster" fails_with "need --etcd" timeout 60 "$build/loded" --listen 127.0.0.1:0 \
    --data "$directory/lonely" --role gateway

# ---- operators ----

ok "a node goes into maintenance" at gate-one cluster maintenance node-two --watch
ok "which is shown" cluster gate-one "n['node-two']['state'] == 'maintenance'"
ok "its objects are elsewhere or asked for elsewhere" soon answers 200 gate-one PUT /scenario/c --data-binary third
ok "it returns" at node-one cluster return node-two --watch
ok "which is shown too" cluster node-one "n['node-two']['state'] == 'active'"
ok "a node that runs is not removed" fails_with "is running" \
    at gate-one cluster remove node-two --confirm-stopped
ok "the gateway is asked to lead" at node-one cluster set-leader gate-one
ok "and does" cluster node-two "c['leader'] == 'gate-one'"
ok "the key between nodes is changed" at node-one cluster rotate-key
ok "and requests pass on" answers 200 gate-one PUT /scenario/d --data-binary fourth
ok "every object is where it is looked for" all_are_read node-two

# ---- deaths ----

end_node gate-one KILL
ok "a dead leader is replaced" soon cluster node-one "c['leader'] not in ('', 'gate-one')"
ok "and shown to be down" soon cluster node-one "not n['gate-one']['up']"
end_node target-3 KILL
ok "a dead target is shown too" soon cluster node-one "not n['target-3']['up']"
ok "and the cluster is not healthy" soon health 503 node-one cluster
ok "because of it" grep -q '"down":\["target-3"\]' "$directory/answer"
ok "while the node itself is" health 200 node-one ready
launch newcomer
ok "a newcomer waits for the dead target" soon says \
    "waits for target target-3" at node-one show cluster
ok "whose data are not given up without a word" fails_with "--confirm-stopped" at node-one cluster remove target-3
ok "it comes back" start_node target-3 --role target
ok "and the newcomer is taken in" soon serves newcomer
ok "and shown" soon cluster node-one "n['newcomer']['state'] == 'active' and c['stage'] == 'done'"
ok "and every object still read" all_are_read newcomer
end_node target-3 KILL
ok "dead once more" soon cluster node-one "not n['target-3']['up']"
ok "its data are given up" soon at node-one cluster remove target-3 --confirm-stopped
ok "it is in the cluster no more" cluster newcomer "'target-3' not in n"
ok "and is refused when it comes again" fails_with "for good" timeout 60 "$build/loded" --listen 127.0.0.1:0 \
    --data "$directory/target-3" --etcd "$etcd" --cluster one --node-id target-3 --role target

# ---- a node that sleeps ----

kill -STOP "${pids[node-two]}"
ok "a key is made while a node sleeps: answered when its lease has ended" \
    eval 'at node-one key add alice --json >"$directory/alice"'
kill -CONT "${pids[node-two]}"
ok "and good for it with the first request" answers_to_alice node-two
ok "it is up again" soon cluster node-one "n['node-two']['up']"

# ---- etcd is away ----

ok "a key for later" soon answers 200 node-one PUT /scenario/e --data-binary fifth
ask_etcd "kill 0"
ok "without etcd objects are read" test "$(ask node-two GET /scenario/e)" = fifth
ok "and stored" answers 200 node-two PUT /scenario/e --data-binary sixth
ok "but no bucket is made" answers 503 node-one PUT /later
ok "etcd comes back" ask_etcd "start 0"
ok "and buckets are made again" soon answers 200 node-one PUT /scenario-2
ok "and somebody leads, with all nodes up" soon cluster newcomer \
    "c['leader'] != '' and n['node-one']['up'] and n['node-two']['up']"

# ---- a single node becomes a cluster ----

end_all
ok "a single node starts" start_server
ok "with a bucket" lode mb alone
ok "and an object" eval 'echo -n mine >"$directory/mine"; lode put "$directory/mine" alone/mine'
stop_server
ok "it cannot simply be given an etcd" fails_with "--init-cluster" timeout 60 "$build/loded" \
    --listen 127.0.0.1:0 --data "$directory/data" --etcd "$etcd" --cluster two
ok "a cluster that is there takes no other's values" fails_with "not empty" timeout 60 \
    "$build/loded" --init-cluster --data "$directory/data" --etcd "$etcd" --cluster one
ok "a new one is made of it" timeout 60 \
    "$build/loded" --init-cluster --data "$directory/data" --etcd "$etcd" --cluster two
ok "once" fails_with "belongs to the cluster two already" timeout 60 \
    "$build/loded" --init-cluster --data "$directory/data" --etcd "$etcd" --cluster two
ok "it starts as a node of that" start_server --etcd "$etcd" --cluster two
ok "and has what it had" eval 'lode get alone/mine "$directory/again" && cmp "$directory/mine" "$directory/again"'
stop_server

end_etcd
done_testing
