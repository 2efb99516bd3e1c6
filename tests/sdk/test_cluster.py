# SPDX-License-Identifier: Apache-2.0
"""What the node says of itself, and what it refuses."""

import pytest
import requests
import xxhash
from aistore.sdk.errors import AISError
from conftest import IS_CLUSTER


@pytest.mark.alone
def test_the_map_has_one_node_with_its_real_digest(server, client):
    smap = client.cluster().get_info()
    (node,) = smap.tmap.values()
    assert node.id_digest == xxhash.xxh64(node.daemon_id.encode(), seed=1103515245).intdigest()
    assert node.public_net.direct_url == server.endpoint
    assert client.cluster().is_ready()


@pytest.mark.clustered
def test_the_map_shows_gateways_and_targets_with_their_digests(server, client, other_client):
    smap = client.cluster().get_info()
    assert {n.daemon_id: n.public_net.direct_url for n in smap.tmap.values()} == server.targets
    assert {n.public_net.direct_url for n in smap.pmap.values()} == {
        server.endpoint,
        server.other_endpoint,
    }
    assert smap.proxy_si.daemon_id in smap.pmap
    for node in [*smap.tmap.values(), *smap.pmap.values()]:
        digest = xxhash.xxh64(node.daemon_id.encode(), seed=1103515245).intdigest()
        assert node.id_digest == digest
    other = other_client.cluster().get_info()
    assert (other.uuid, other.version) == (smap.uuid, smap.version)
    assert other.proxy_si.daemon_id == smap.proxy_si.daemon_id


@pytest.mark.clustered
def test_a_question_to_a_node_is_answered_by_that_node(server):
    url = f"{server.endpoint}/v1/reverse/daemon?what=node_status"
    for name, endpoint in server.targets.items():
        answer = requests.get(url, headers={"Ais-Node-Id": name}, timeout=20).json()
        assert answer["snode"]["daemon_id"] == name
        assert answer["snode"]["public_net"]["direct_url"] == endpoint


def test_health_needs_no_credentials_and_tells_uptimes(server):
    answer = requests.get(f"{server.endpoint}/v1/health", timeout=20)
    assert answer.status_code == 200
    assert int(answer.headers["Ais-Node-Uptime"]) > 0
    assert int(answer.headers["Ais-Cluster-Uptime"]) > 0


def test_performance_and_unknown_nodes(server, client):
    performance = client.cluster().get_performance()
    assert len(performance) == (3 if IS_CLUSTER else 1)
    for status in performance.values():
        assert int(status["capacity"]["total_avail"]) > 0
    url = f"{server.endpoint}/v1/reverse/daemon?what=node_status"
    assert requests.get(url, headers={"Ais-Node-Id": "nobody"}, timeout=20).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/etl"),
        ("GET", "/v1/ml/moss/b"),
        ("POST", "/v1/download"),
        ("GET", "/v1/sort"),
        ("GET", "/v1/daemon?what=log"),
    ],
)
def test_what_is_not_here_says_so(server, method, path):
    answer = requests.request(method, server.endpoint + path, timeout=20)
    assert answer.status_code == 501
    assert answer.json()["tcode"] == "ErrUnsupp" and "not supported" in answer.json()["message"]


def test_etl_is_refused_through_the_sdk(client):
    with pytest.raises(AISError) as etl:
        client.cluster().list_etls()
    assert etl.value.status_code == 501
