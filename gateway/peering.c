/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/peering.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "cluster/cluster_key.h"
#include "cluster/peer_client.h"
#include "gateway/membership.h"
#include "net/host_resolver.h"
#include "object/bucket_fence.h"
#include "object/fetch_place.h"
#include "object/object_cluster.h"

#include "base/banned.h"

/* Of all workers, so many wait for one peer: those that wait for a slow one leave others free. */
#define PEER_WAITING_PART 4

static void
take_keys(struct peering *peering)
{
    struct cluster_key keys[PEER_KEYS_MAX];
    struct peer_key peer_keys[PEER_KEYS_MAX];
    size_t count = cluster_key_list(peering->control, keys, PEER_KEYS_MAX);

    for (size_t i = 0; i < count; i++) {
        peer_keys[i].number = keys[i].number;
        memcpy(peer_keys[i].secret, keys[i].secret, sizeof(peer_keys[i].secret));
    }
    if (count > 0) {
        peer_identity_set_keys(peering->identity, peer_keys, count);
    }
    memory_wipe(keys, sizeof(keys));
    memory_wipe(peer_keys, sizeof(peer_keys));
}

static void
key_changed(const struct control_value *value, void *arg)
{
    (void)value;
    take_keys(arg);
}

static struct cluster_map *
get_map(void *arg)
{
    return cluster_map_get(arg);
}

static enum status
fetch_map(void *arg, uint64_t version_min, struct error *err)
{
    return cluster_fetch_map(arg, version_min, err);
}

static enum status
check_confirmed(void *arg, struct error *err)
{
    return cluster_check_confirmed(arg, err);
}

/* Another node knows of that revision: this one does, too, or stays behind and is refused again. */
static void
catch_up(void *arg, uint64_t revision)
{
    const struct peering *peering = arg;

    struct error err = ERROR_INIT;

    if (control_wait(peering->control, revision, BUCKET_CATCH_UP_MS, &err) != ST_OK) {
        log_debug(NULL, "bucket_behind", "another node knows of more: %s", err.text);
    }
}

/* All or none: who shows a certificate must know whose to take. */
static enum status
open_tls(const struct config *config, struct tls_context **ret_tls, struct error *err)
{
    const struct tls_files files = {config->peer_tls_cert, config->peer_tls_key,
                                    config->peer_tls_ca};

    if (files.certificate == NULL && files.key == NULL && files.authorities == NULL) {
        *ret_tls = NULL;
        return ST_OK;
    }
    if (files.certificate == NULL || files.key == NULL || files.authorities == NULL) {
        return fail(err, ST_INVALID,
                    "Settings peer_tls_cert, peer_tls_key and peer_tls_ca must be set together");
    }
    return tls_context_create(TLS_CLIENT, &files, ret_tls, err);
}

enum status
peering_open(struct peering *peering, const struct peering_options *peering_options,
             struct error *err)
{
    struct cluster *cluster = peering_options->cluster;
    struct object_store *objects = peering_options->objects;
    struct peer_client_options options = {
        .waiting_max = peering_options->worker_count / PEER_WAITING_PART + 1,
        .is_clear_allowed = peering_options->config->insecure_peer,
        .catch_up = catch_up,
        .arg = peering};
    struct object_cluster object_cluster = {.node_id = cluster_self_id(cluster),
                                            .fetch_max =
                                                fetch_place_max_of(peering_options->worker_count),
                                            .get_map = get_map,
                                            .fetch_map = fetch_map,
                                            .check_confirmed = check_confirmed,
                                            .arg = cluster};
    enum status st = open_tls(peering_options->config, &peering->tls, err);

    if (st != ST_OK) {
        return st;
    }
    CHECK(sizeof(((struct cluster_key *)NULL)->secret) == PEER_KEY_BYTES);
    peering->cluster = cluster;
    peering->control = object_store_control(objects);
    peering->identity = peer_identity_create(cluster_id(cluster), cluster_self_id(cluster));
    peering->redirects = redirect_signer_create(peering->identity);
    st = control_watch(peering->control, BYTES_LITERAL(CLUSTER_KEY_PREFIX), key_changed, peering,
                       NULL);
    CHECK(st == ST_OK); /* memory only */
    options.identity = peering->identity;
    options.tls = peering->tls;
    peering->client = peer_client_create(&options);
    object_cluster.peers = peering->client;
    object_store_set_cluster(objects, &object_cluster);
    peering->server = (struct peer_server){.store = objects,
                                           .identity = peering->identity,
                                           .s3 = peering_options->relayed,
                                           .s3_arg = peering_options->relayed_arg};
    peer_handler_init();
    return ST_OK;
}

/* A node that joins hears from others when the map has it, perhaps before it has that map. */
ON_LOOP static void
handle_peer(struct http_exchange *exchange, void *arg)
{
    struct peering *peering = arg;
    struct cluster_map *map = cluster_map_get(peering->cluster);
    struct http_response response = {
        .status = 503, .body = BYTES_LITERAL("starting\n"), .operation = "Peer"};

    if (map == NULL) {
        http_exchange_respond(exchange, &response);
        return;
    }
    cluster_map_unref(map);
    peer_handle(exchange, &peering->server);
}

/* The host in "scheme://host:port". */
static struct bytes
host_of_url(const char *url)
{
    struct bytes text = bytes_of_string(url);
    size_t at = bytes_find(text, 0, BYTES_LITERAL("://"));
    size_t end;

    text = bytes_slice(text, at == SIZE_MAX ? 0 : at + 3, text.size);
    text = bytes_cut(&text, '/');
    if (text.size > 0 && text.data[0] == '[') {
        end = bytes_find_char(text, 0, ']');
        return end == SIZE_MAX ? text : bytes_slice(text, 0, end + 1);
    }
    return bytes_cut(&text, ':');
}

static enum status
publish_address(struct peering *peering, const struct config *config, const char *address,
                uint16_t port, struct error *err)
{
    const char *own = config->peer_address;
    bool is_ipv6 = strchr(address, ':') != NULL;
    enum status st;

    if (own != NULL) {
        const char *end = own[0] == '[' ? strchr(own, ']') : own;
        bool has_port = end != NULL && strchr(end, ':') != NULL;

        peering->address = has_port ? xstrdup(own) : xasprintf("%s:%u", own, port);
    } else if (!membership_is_wildcard(address)) {
        peering->address =
            xasprintf("%s%s%s:%u", is_ipv6 ? "[" : "", address, is_ipv6 ? "]" : "", port);
    } else if (config->public_url != NULL) {
        struct bytes host = host_of_url(config->public_url);

        peering->address = xasprintf("%.*s:%u", BYTES_ARGS(host), port);
    } else {
        return fail(err, ST_INVALID,
                    "Setting peer_listen: %s says nothing to other nodes; give an address of this "
                    "machine, or --peer-address, or --public-url",
                    address);
    }
    st = host_address_check(bytes_of_string(peering->address), err);
    return st == ST_OK ? st
                       : fail(err, st, "Other nodes cannot reach this one at %s: %s",
                              peering->address, err->text);
}

/* Signatures keep others from asking; only TLS keeps them from listening. */
static enum status
check_privacy(const struct peering *peering, const struct config *config, struct error *err)
{
    struct socket_address address;
    bool is_local =
        bytes_has_prefix(bytes_of_string(peering->address), BYTES_LITERAL("localhost:"));

    if (socket_address_parse(bytes_of_string(peering->address), &address, NULL) == ST_OK) {
        is_local = socket_address_is_loopback(&address);
    }
    if (peering->tls == NULL && !config->insecure_peer && !is_local) {
        return fail(err, ST_INVALID,
                    "Setting peer_listen: other nodes reach this one at %s, where whoever listens "
                    "in between reads objects; give --peer-tls-cert, --peer-tls-key and "
                    "--peer-tls-ca, or --insecure-peer if nobody does",
                    peering->address);
    }
    return ST_OK;
}

enum status
peering_listen(struct peering *peering, const struct config *config, struct http_server *server,
               struct error *err)
{
    struct http_listen_options options = {.certificate_file = config->peer_tls_cert,
                                          .private_key_file = config->peer_tls_key,
                                          .client_authorities_file = config->peer_tls_ca,
                                          .handler = handle_peer,
                                          .arg = peering,
                                          .is_reserved = true};
    char *address = NULL;
    uint16_t port = 0;
    enum status st;

    if (peering->cluster == NULL) {
        return ST_OK;
    }
    st = config_parse_address(config->peer_listen != NULL ? config->peer_listen : config->listen,
                              &address, &port, err);
    if (st == ST_OK && address == NULL) {
        st = fail(err, ST_INVALID, "Setting peer_listen: a node of a cluster needs one");
    }
    if (st == ST_OK) {
        options.address = address;
        options.port = config->peer_listen != NULL ? port : 0;
        st = http_server_listen(server, &options, &port, err);
    }
    if (st == ST_OK) {
        st = publish_address(peering, config, address, port, err);
    }
    if (st == ST_OK) {
        st = check_privacy(peering, config, err);
    }
    free(address);
    return st;
}

bool
peering_has_new_certificates(const struct peering *peering)
{
    return peering->tls != NULL && tls_context_is_outdated(peering->tls);
}

enum status
peering_reload_certificates(struct peering *peering, struct error *err)
{
    return peering->tls != NULL ? tls_context_reload(peering->tls, err) : ST_OK;
}

void
peering_stop(struct peering *peering)
{
    if (peering->cluster != NULL) {
        control_unwatch(peering->control, key_changed, peering);
    }
}

void
peering_close(struct peering *peering)
{
    peer_client_destroy(&peering->client);
    redirect_signer_destroy(&peering->redirects);
    peer_identity_destroy(&peering->identity);
    tls_context_destroy(&peering->tls);
    free(peering->address);
    peering->address = NULL;
}
