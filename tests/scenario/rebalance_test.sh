#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an operator sees of a rebalance, and a cleanup of copies that are there for real: a node's
# disks were put back from a copy that is older than a change of targets.
. "$(dirname "$0")/nodes.sh"

# About the newest run of the rebalance: r is what lode show rebalance --json prints, runs its
# entries by id, newest first, run the entries of the newest one by node.
rebalance() # node python-expression [id]
{
    at "$1" show rebalance ${3:+"$3"} --json | python3 -c "
import json, sys
r = json.load(sys.stdin)
runs = {}
for job in sorted(r['jobs'], key=lambda j: -j['started_ns']):
    runs.setdefault(job['id'], {})[job['node']] = job
first = next(iter(runs), '')
run = runs.get(first, {})
report = {node: job.get('report', {}) for node, job in run.items()}
def total(member):
    return sum(part.get(member, 0) for part in report.values())
if not ($2):
    print(json.dumps(run, indent=1))
    sys.exit(1)"
}

# The cleanup of that id has ended on all nodes that have it.
cleaned() # node id python-expression
{
    rebalance "$1" "run and all(j['state'] == 'finished' for j in run.values()) and ($3)" "$2"
}

clean() # node option...: runs to its end; its id is in $id
{
    local node=$1
    shift
    id=$(at "$node" start rebalance --cleanup "$@") || return 1
    soon cleaned "$node" "$id" True
}

store_all() # prefix count
{
    local i
    for i in $(seq "$2"); do
        echo "$1-$i" >"$directory/object"
        [ $((i % 10)) -ne 0 ] || head -c 400000 /dev/zero | tr '\0' 'a' >>"$directory/object"
        ask node-one PUT "/scenario/key-$i" --data-binary "@$directory/object" || return 1
    done
}

# Status and content of every key, as clients get them.
snapshot() # node count
{
    local i
    for i in $(seq "$2"); do
        echo "key-$i $(ask "$1" GET "/scenario/key-$i" -w ' %{http_code}' | sed 's/<.*>//' | md5sum)"
    done
    ask "$1" GET "/scenario?list-type=2" | grep -o '<Key>[^<]*</Key>'
}

keep_disks() # node
{
    rm -rf "$directory/kept-$1"
    cp -a "$directory/$1" "$directory/kept-$1"
}

put_back_disks() # node
{
    rm -rf "${directory:?}/$1"
    cp -a "$directory/kept-$1" "$directory/$1"
}

# Keys that the last cleanup names, one for each line.
examples() # node id
{
    at "$1" show rebalance "$2" --json | python3 -c "
import json, sys
for job in json.load(sys.stdin)['jobs']:
    for example in job['report']['examples']:
        print(example['key'])"
}

all_examples_answer() # status node
{
    local key
    while read -r key; do
        answers "$1" "$2" GET "/scenario/$key" || return 1
    done <"$directory/examples"
}

keys=60

# ---- alone ----

ok "a node that is alone starts" start_server
ok "it shows its jobs" lode show job --all
ok "and says in a sentence why it has no rebalance" fails_with "This node is alone" lode show rebalance
ok "nor starts one" fails_with "This node is alone" lode start rebalance
stop_server

# ---- what is shown ----

ok "a cluster of one node" start_node node-one
ok "has nothing to clean up" fails_with "at least 2 active targets" at node-one start rebalance --cleanup
ok "a second node joins" start_node node-two
ok "a gateway as well" start_node gate-one --role gateway
ok "the placement comes to its end" soon cluster gate-one "c['stage'] == 'done'"
ok "it is in the history of both, under one name" soon rebalance gate-one \
    "set(run) == {'node-one', 'node-two'} and all(j['state'] == 'finished' for j in run.values())"
ok "a bucket" ask gate-one PUT /scenario
ok "with objects" store_all old "$keys"
end_node node-one TERM
keep_disks node-one
ok "a node's disks are copied while it is stopped" start_node node-one
ok "a third one joins" start_node node-three
ok "keys have moved" soon cluster gate-one "c['stage'] == 'done' and c['nodes'][2]['up']"
ok "which all three say" soon rebalance gate-one \
    "set(run) == {'node-one', 'node-two', 'node-three'} and all(j['state'] == 'finished' for j in run.values())"
ok "with the reason" rebalance gate-one \
    "all('node-three joined' in part['why'] for part in report.values())"
ok "what was sent, and received" rebalance gate-one \
    "total('objects') == report['node-three']['received'] > 0 and total('bytes') == report['node-three']['received_bytes'] > 0"
ok "and how long each stage took" rebalance gate-one \
    "all([s['stage'] for s in part['stages']][0] == 'move' and part['stages'][0]['seconds'] > 0 for part in report.values())"
moved=$(at gate-one show rebalance --json | python3 -c "
import json, sys
jobs = sorted(json.load(sys.stdin)['jobs'], key=lambda j: -j['started_ns'])
print(next(j['report']['objects'] for j in jobs if j['node'] == 'node-one'))")
run=$(at gate-one show rebalance --json | python3 -c "
import json, sys
print(max(json.load(sys.stdin)['jobs'], key=lambda j: j['started_ns'])['id'])")
ok "people read the same" says "$run, begun" at gate-one show rebalance "$run"
ok "jobs of all nodes are shown by any" says "node-three" at node-one show job "$run"
ok "one that never was is not" fails_with "has a job rebalance-999" at gate-one show rebalance rebalance-999
end_node node-three KILL
ok "a kill takes nothing of the history" start_node node-three
ok "which is shown again" soon rebalance gate-one "run['node-three']['state'] == 'finished'" "$run"

# ---- by hand ----

ok "a rebalance by hand prints its id, and ends" eval 'id=$(at gate-one start rebalance) && soon \
    rebalance gate-one "first == \"$id\" and len(run) == 3 and all(j[\"state\"] == \"finished\" for j in run.values())"'
ok "as what it is" rebalance gate-one "all(part['why'] == 'asked for by hand' for part in report.values())"
ok "it found nothing to move" rebalance gate-one "total('objects') == 0"

# ---- misplaced copies ----

for i in $(seq 1 20); do ask gate-one PUT "/scenario/key-$i" --data-binary "new-$i"; done
for i in $(seq 21 40); do ask gate-one DELETE "/scenario/key-$i"; done
end_node node-one TERM
put_back_disks node-one
ok "a node comes back with disks of before the change" start_node node-one
ok "everyone is up" soon cluster gate-one "all(x['up'] for x in n.values()) and c['stage'] == 'done'"
snapshot gate-one "$keys" >"$directory/before"
ok "a cleanup runs" clean gate-one
ok "finds what had moved away" cleaned gate-one "$id" "report['node-one']['misplaced'] == $moved"
ok "removes what the owner has as well, or newer" cleaned gate-one "$id" \
    "0 < report['node-one']['removed'] < $moved and report['node-one']['removed_bytes'] > 0"
ok "leaves what the owner knows nothing of" cleaned gate-one "$id" \
    "report['node-one']['left'] == report['node-one']['left_why']['unknown'] == $moved - report['node-one']['removed']"
ok "says which" eval 'examples gate-one "$id" >"$directory/examples" && [ -s "$directory/examples" ]'
ok "does nothing at the others" cleaned gate-one "$id" \
    "report['node-two']['misplaced'] == report['node-three']['misplaced'] == 0 < report['node-two']['scanned']"
ok "what was deleted is not read" all_examples_answer 404 gate-one
snapshot node-two "$keys" >"$directory/after"
ok "and nothing else has changed for clients" cmp "$directory/before" "$directory/after"
ok "people see what was removed" says "REMOVED" at gate-one show rebalance "$id"
ok "with force the rest is put aside" clean node-three --force
ok "all of it" cleaned gate-one "$id" "report['node-one']['left'] == 0 and report['node-one']['removed'] == 0 \
    and report['node-one']['quarantined'] == $(sort -u "$directory/examples" | wc -l)"
ok "as files that name their objects" test \
    "$(cat "$directory"/node-one/mp1/quarantine/*.json | sed -n 's/^  "key": "\(.*\)",/\1/p' | sort)" = \
    "$(sort "$directory/examples")"
one=$(head -n 1 "$directory/examples")
ok "and hold their bytes" test "$(head -n 1 "$(grep -l "\"key\": \"$one\"" \
    "$directory"/node-one/mp1/quarantine/*.json | sed 's/json$/data/')")" = "old-${one#key-}"
snapshot gate-one "$keys" >"$directory/after"
ok "clients see no difference" cmp "$directory/before" "$directory/after"
ok "the next cleanup finds nothing" eval 'clean gate-one && cleaned gate-one "$id" "total(\"misplaced\") == 0"'
ok "a check finds nothing wrong there" at node-one fsck

# ---- killed in the middle ----

end_node node-one TERM
put_back_disks node-one
ok "the same disks again" start_node node-one
ok "all up" soon cluster gate-one "all(x['up'] for x in n.values()) and c['stage'] == 'done'"
ok "a cleanup begins" eval 'id=$(at gate-one start rebalance --cleanup --force)'
end_node node-one KILL
ok "the node comes back" start_node node-one
ok "what it says of the run is that it was cut off, or done" soon rebalance gate-one \
    "run.get('node-one', {'state': 'stopped'})['state'] in ('stopped', 'finished')" "$id"
ok "up again" soon cluster gate-one "all(x['up'] for x in n.values()) and c['stage'] == 'done'"
ok "the next one ends it" eval 'clean gate-one --force && cleaned gate-one "$id" "total(\"left\") == 0"'
snapshot gate-one "$keys" >"$directory/after"
ok "clients saw none of it" cmp "$directory/before" "$directory/after"
ok "a check finds nothing wrong" at node-one fsck
ok "nothing is in the quarantine twice" test \
    "$(cat "$directory"/node-one/mp1/quarantine/*.json | sed -n 's/^  "key": "\(.*\)",/\1/p' | sort)" = \
    "$(sort "$directory/examples")"

# ---- what holds a cleanup off ----

end_node node-two KILL
ok "a node dies" soon cluster gate-one "not n['node-two']['up']"
ok "a rebalance waits for it" eval 'id=$(at gate-one start rebalance)'
ok "a second start names the one that runs" says "runs already" at gate-one start rebalance
ok "a cleanup does not begin meanwhile" fails_with "$id is under way" at gate-one start rebalance --cleanup
ok "who does not answer is named" says "Not known of node node-two: it is down" at gate-one show rebalance
ok "it comes back" start_node node-two
ok "and the rebalance ends" soon rebalance gate-one \
    "len(run) == 3 and all(j['state'] == 'finished' for j in run.values())" "$id"

end_all
end_etcd
done_testing
