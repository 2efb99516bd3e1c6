/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/gateway.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "auth/credential_store.h"
#include "base/clock.h"
#include "base/load.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/access_log.h"
#include "gateway/admin_handler.h"
#include "gateway/dispatch.h"
#include "gateway/memory_budget.h"
#include "gateway/node_load.h"
#include "gateway/peering.h"
#include "gateway/root_key.h"
#include "jobs/rebalance_job.h"
#include "jobs/resilver_job.h"
#include "jobs/upload_cleanup_job.h"
#include "jobs/walk_split.h"
#include "net/http_server.h"
#include "object/bucket_delete.h"
#include "object/object_store.h"
#include "object/rebalance.h"
#include "store/home_load.h"

#include "base/banned.h"

/* A worker that waits for a commit holds its thread: 64 waiting requests fill a batch (the
 * committer's best size), and some more keep reading meanwhile. */
#define WORKER_COUNT_DEFAULT 72

/* How soon a new certificate is found without SIGHUP: two or three calls of stat(2) each time. */
#define CERTIFICATE_CHECK_INTERVAL_S 60

struct gateway {
    const struct config *config;
    struct node_load load;
    struct object_store *objects;
    struct credential_store *credentials;
    struct worker_pool *workers;
    struct access_log *access_log;
    struct http_server *server;
    struct s3 s3;
    struct bytes domains[S3_DOMAIN_MAX];
    struct iam iam;
    struct native native;
    struct job_registry *jobs;
    struct rebalance_jobs *rebalance_jobs;
    struct membership membership;
    struct peering peering;
    struct dispatch dispatch;
    struct admin admin;
    char *public_address;
    uint16_t public_port;
    char *admin_address;
    uint16_t admin_port;
};

size_t
gateway_mountpaths(const struct config *config, char **default_path,
                   const char *ret_mountpaths[CONFIG_LIST_MAX])
{
    if (strcmp(config->role, "gateway") == 0) {
        return 0;
    }
    if (config->mountpath.count == 0) {
        *default_path = xasprintf("%s/mp1", config->data);
        ret_mountpaths[0] = *default_path;
        return 1;
    }
    for (size_t i = 0; i < config->mountpath.count; i++) {
        ret_mountpaths[i] = config->mountpath.items[i];
    }
    return config->mountpath.count;
}

void
gateway_object_store_options(const struct config *config, const char *const *mountpaths,
                             size_t mountpath_count, struct object_store_options *ret_options)
{
    struct memory_budget budget = memory_budget_of(config->memory);

    memset(ret_options, 0, sizeof(*ret_options));
    store_options_init(&ret_options->store);
    ret_options->store.data_directory = config->data;
    ret_options->store.mountpaths = mountpaths;
    ret_options->store.mountpath_count = mountpath_count;
    ret_options->store.is_diskless = mountpath_count == 0;
    ret_options->store.node_id = config->node_id;
    ret_options->store.cache_bytes = budget.cache_bytes;
    ret_options->store.write_buffer_bytes = budget.write_buffer_bytes;
    ret_options->store.free_floor_bytes = config->free_floor;
    ret_options->store.sweep_age_s = (int64_t)config->sweep_age_s;
    ret_options->store.lazy_sync_interval_ms = (int64_t)config->lazy_sync_ms;
    ret_options->region = config->region;
    ret_options->promote_from = (const char *const *)config->promote_from.items;
    ret_options->promote_from_count = config->promote_from.count;
    ret_options->etcd = (struct control_etcd_options){
        .endpoints = config->etcd,
        .cluster = config->cluster,
        .is_insecure_allowed = config->insecure_etcd,
        .ca_file = config->etcd_ca,
        .certificate_file = config->etcd_cert,
        .key_file = config->etcd_key,
    };
}

static size_t
worker_count(const struct config *config)
{
    return config->workers != 0 ? config->workers : WORKER_COUNT_DEFAULT;
}

static enum status
open_storage(struct gateway *gateway, struct error *err)
{
    const struct config *config = gateway->config;
    const char *mountpaths[CONFIG_LIST_MAX];
    char *default_path = NULL;
    size_t count = gateway_mountpaths(config, &default_path, mountpaths);
    struct object_store_options options;
    struct root_key root = {.is_new = false};
    enum status st;

    gateway_object_store_options(config, mountpaths, count, &options);
    options.store.load = gateway->load.load;
    st = object_store_open(&options, &gateway->objects, err);
    gateway->admin.objects = gateway->objects;
    if (st == ST_OK) {
        load_add_source(gateway->load.load, home_load_read, object_store_store(gateway->objects));
    }
    free(default_path);
    if (st == ST_OK) {
        st = root_key_load(config->data, &root, err);
    }
    if (st == ST_OK && config->etcd != NULL) {
        st = root_key_share(object_store_control(gateway->objects), config->data, &root, err);
    }
    if (st == ST_OK) {
        st = credential_store_create(object_store_control(gateway->objects),
                                     bytes_of_string(root.access_key),
                                     bytes_of_string(root.secret_key), &gateway->credentials, err);
    }
    if (st == ST_OK && root.is_new) {
        printf("Root keys were generated; they are kept in %s/root-key.json and not shown again:\n"
               "  access key  %s\n"
               "  secret key  %s\n",
               config->data, root.access_key, root.secret_key);
    }
    root_key_wipe(&root);
    return st;
}

/* Before the first operation: jobs begin with some. */
static enum status
open_cluster(struct gateway *gateway, struct error *err)
{
    struct membership *membership = &gateway->membership;
    enum status st = membership_open(membership, gateway->config, gateway->objects, err);

    if (st == ST_OK && membership->cluster != NULL) {
        const struct peering_options options = {.config = gateway->config,
                                                .cluster = membership->cluster,
                                                .objects = gateway->objects,
                                                .worker_count = worker_count(gateway->config),
                                                .relayed = dispatch_relayed,
                                                .relayed_arg = &gateway->dispatch};

        st = peering_open(&gateway->peering, &options, err);
    }
    return st;
}

static enum status
start_jobs(struct gateway *gateway, struct error *err)
{
    char *directory = xasprintf("%s/jobs", gateway->config->data);
    char id[JOB_ID_SIZE];
    enum status st = job_registry_create(gateway->objects, directory, &gateway->jobs, err);

    if (st == ST_OK) {
        gateway->rebalance_jobs = rebalance_jobs_create(gateway->jobs, gateway->objects);
        job_registry_resume(gateway->jobs); /* before anyone can ask, and be told of none */
        gateway->peering.server.jobs = gateway->jobs;
        job_repeat(gateway->jobs, &upload_cleanup_job, UPLOAD_CLEANUP_INTERVAL_S);
        st = resilver_job_ensure(gateway->jobs, gateway->objects, id, err);
    }
    free(directory);
    return st;
}

static enum status
open_dialects(struct gateway *gateway, struct error *err)
{
    const struct config *config = gateway->config;
    bool is_ceph = strcmp(config->s3_rules, "ceph") == 0;
    struct s3_options options = {
        .store = gateway->objects,
        .credentials = gateway->credentials,
        .domains = gateway->domains,
        .domain_count = config->domain.count,
        .refuses_sigv2 = strcmp(config->sigv2_presigned, "off") == 0,
        .put_if_none_match_etag = is_ceph,
        .delete_if_match_missing_ok = is_ceph,
        .empty_continuation_token = is_ceph,
        .put_without_length = is_ceph,
        .list_v1_plain_prefix = is_ceph,
        .no_such_part_is_invalid = is_ceph,
        .bad_checksum_is_bad_digest = is_ceph,
    };

    if (config->domain.count > S3_DOMAIN_MAX) {
        return fail(err, ST_INVALID, "Setting domain: at most %d names", S3_DOMAIN_MAX);
    }
    for (size_t i = 0; i < config->domain.count; i++) {
        gateway->domains[i] = bytes_of_string(config->domain.items[i]);
    }
    s3_init(&gateway->s3, &options);
    gateway->iam = (struct iam){gateway->credentials};
    gateway->native = (struct native){.credentials = gateway->credentials,
                                      .jobs = gateway->jobs,
                                      .objects = gateway->objects,
                                      .control = object_store_control(gateway->objects),
                                      .cluster = gateway->membership.cluster,
                                      .redirects = gateway->peering.redirects,
                                      .is_gateway = gateway->membership.is_gateway,
                                      .node_id = object_store_node_id(gateway->objects),
                                      .started_ns = clock_monotonic_ns(),
                                      .is_anonymous_allowed = config->allow_anonymous_native};
    if (config->allow_anonymous_native) {
        log_warn(NULL, "anonymous_native",
                 "Native requests without credentials act as root on buckets and objects: whoever "
                 "reaches %s may read, change and delete them",
                 config->listen);
    }
    return ST_OK;
}

static enum status
listen_admin(struct gateway *gateway, struct error *err)
{
    const char *text = gateway->config->admin_listen;
    struct http_listen_options options = {
        .handler = admin_handle, .arg = &gateway->admin, .is_reserved = true};
    enum status st;

    if (text != NULL) {
        st = config_parse_address(text, &gateway->admin_address, &gateway->admin_port, err);
        if (st != ST_OK || gateway->admin_address == NULL) {
            return st;
        }
    } else {
        gateway->admin_address = xstrdup("127.0.0.1");
        gateway->admin_port = (uint16_t)(gateway->public_port + 1);
    }
    options.address = gateway->admin_address;
    options.port = gateway->admin_port;
    st = http_server_listen(gateway->server, &options, &gateway->admin_port, err);
    if (st != ST_OK && text == NULL) {
        options.port = 0;
        st = http_server_listen(gateway->server, &options, &gateway->admin_port, err);
    }
    return st;
}

static enum status
listen_all(struct gateway *gateway, struct error *err)
{
    const struct config *config = gateway->config;
    struct http_server_options server_options = {
        .loop_count = config->loops,
        .workers = gateway->workers,
        .load = gateway->load.load,
        .connection_max = config->connection_max,
        .body_memory_bytes = memory_budget_of(config->memory).body_bytes,
        .server_name = "Lode",
        .render_error = s3_render_error,
        .log = gateway->access_log != NULL ? access_log_write : NULL,
        .log_arg = gateway->access_log,
    };
    struct http_listen_options options = {
        .certificate_file = config->tls_cert,
        .private_key_file = config->tls_key,
        .handler = dispatch_public,
        .arg = &gateway->dispatch,
    };
    enum status st;

    st = config_parse_address(config->listen, &gateway->public_address, &gateway->public_port, err);
    if (st == ST_OK && gateway->public_address == NULL) {
        st = fail(err, ST_INVALID, "Setting listen cannot be none");
    }
    if (st == ST_OK) {
        st = http_server_create(&server_options, &gateway->server, err);
    }
    if (st == ST_OK) {
        options.address = gateway->public_address;
        options.port = gateway->public_port;
        st = http_server_listen(gateway->server, &options, &gateway->public_port, err);
    }
    if (st == ST_OK) {
        st = listen_admin(gateway, err);
    }
    if (st == ST_OK) {
        st = peering_listen(&gateway->peering, config, gateway->server, err);
    }
    return st;
}

static void
print_welcome(const struct gateway *gateway)
{
    const struct config *config = gateway->config;
    const char *scheme = config->tls_cert != NULL ? "https" : "http";
    bool is_ipv6 = strchr(gateway->public_address, ':') != NULL;

    printf("Lode serves S3 on %s://%s%s%s:%u", scheme, is_ipv6 ? "[" : "", gateway->public_address,
           is_ipv6 ? "]" : "", gateway->public_port);
    if (gateway->admin_address != NULL) {
        printf("   metrics and health on http://%s:%u", gateway->admin_address,
               gateway->admin_port);
    }
    printf("\n");
    fflush(stdout);
}

/* Both sides of a connection between nodes take new files at the same time. */
static void
reload_certificates(struct gateway *gateway)
{
    struct error err = ERROR_INIT;
    enum status st = http_server_reload_certificates(gateway->server, &err);

    if (st == ST_OK) {
        st = peering_reload_certificates(&gateway->peering, &err);
    }
    if (st == ST_OK) {
        log_info(NULL, "certificates_reloaded", "Certificates were read again");
    } else {
        log_error(NULL, "certificates_kept", "The former certificates stay in use: %s", err.text);
    }
}

/* SIGHUP reads certificates again; so does a file that has changed, since nobody sends a signal
 * into a container. */
static enum status
wait_for_end(struct gateway *gateway, struct error *err)
{
    const struct timespec interval = {.tv_sec = CERTIFICATE_CHECK_INTERVAL_S};
    sigset_t signals;
    int number;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    for (;;) {
        number = sigtimedwait(&signals, NULL, &interval);
        if (number == SIGHUP || (number == -1 && errno == EAGAIN &&
                                 (http_server_has_new_certificates(gateway->server) ||
                                  peering_has_new_certificates(&gateway->peering)))) {
            reload_certificates(gateway);
        } else if (number > 0) {
            break;
        } else if (errno != EAGAIN && errno != EINTR) {
            return fail_errno(err, ST_INTERNAL, "Signals cannot be waited for");
        }
    }
    log_info(NULL, "gateway_stopping", "Signal %d: requests in flight are finished first", number);
    return ST_OK;
}

/* Before the first thread: those that are started later inherit the mask. */
static void
prepare_process(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct rlimit files;
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    CHECK(pthread_sigmask(SIG_BLOCK, &signals, NULL) == 0);
    CHECK(sigaction(SIGPIPE, &ignore, NULL) == 0);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &files) != 0) {
            log_warn(NULL, "file_limit", "The limit of open files stays at %llu",
                     (unsigned long long)files.rlim_cur);
        }
    }
}

static void
close_all(struct gateway *gateway)
{
    walk_close_shares();
    if (gateway->server != NULL) {
        http_server_drain(gateway->server, (int64_t)gateway->config->drain_timeout_s * 1000);
        load_stop(gateway->load.load); /* nobody is held up any more */
        http_server_destroy(&gateway->server);
    }
    if (gateway->objects != NULL) {
        control_hurry(object_store_control(gateway->objects)); /* nobody waits for it any more */
    }
    worker_pool_destroy(&gateway->workers);
    access_log_close(&gateway->access_log);
    if (gateway->objects != NULL && object_store_rebalance(gateway->objects) != NULL) {
        rebalance_stop(object_store_rebalance(gateway->objects));
    }
    job_registry_destroy(&gateway->jobs);
    rebalance_jobs_destroy(&gateway->rebalance_jobs);
    peering_stop(&gateway->peering);
    membership_close(&gateway->membership);
    credential_store_destroy(&gateway->credentials);
    object_store_close(&gateway->objects);
    peering_close(&gateway->peering);
    node_load_close(&gateway->load);
    free(gateway->public_address);
    free(gateway->admin_address);
}

static enum status
check_config(const struct config *config, struct error *err)
{
    if (strcmp(config->s3_rules, "aws") != 0 && strcmp(config->s3_rules, "ceph") != 0) {
        return fail(err, ST_INVALID, "Setting s3_rules: '%s' is neither aws nor ceph",
                    config->s3_rules);
    }
    if (strcmp(config->sigv2_presigned, "on") != 0 && strcmp(config->sigv2_presigned, "off") != 0) {
        return fail(err, ST_INVALID, "Setting sigv2_presigned: '%s' is neither on nor off",
                    config->sigv2_presigned);
    }
    if ((config->tls_cert == NULL) != (config->tls_key == NULL)) {
        return fail(err, ST_INVALID, "Settings tls_cert and tls_key must be set together");
    }
    if (config->memory < MEMORY_BUDGET_BYTES_MIN) {
        return fail(err, ST_INVALID, "Setting memory: at least 128M is needed");
    }
    if (mkdir(config->data, 0700) != 0 && errno != EEXIST) {
        return fail_errno(err, ST_IO, "The data directory %s cannot be created", config->data);
    }
    return ST_OK;
}

enum status
gateway_run(const struct config *config, struct error *err)
{
    struct gateway gateway = {.config = config};
    enum status st;

    gateway.admin.membership = &gateway.membership;
    gateway.dispatch = (struct dispatch){.s3 = &gateway.s3,
                                         .native = &gateway.native,
                                         .iam = &gateway.iam,
                                         .membership = &gateway.membership};

    prepare_process();
    st = check_config(config, err);
    node_load_open(&gateway.load, config, worker_count(config));
    if (st == ST_OK) {
        st = membership_init(&gateway.membership, config, err);
    }
    if (st == ST_OK && strcmp(config->access_log, "none") != 0) {
        st = access_log_open(config->access_log, &gateway.access_log, err);
    }
    if (st == ST_OK) {
        st = open_storage(&gateway, err);
    }
    if (st == ST_OK) {
        st = open_cluster(&gateway, err);
    }
    if (st == ST_OK) {
        gateway.workers = worker_pool_create(worker_count(config));
        load_add_source(gateway.load.load, worker_pool_read_load, gateway.workers);
        st = start_jobs(&gateway, err);
    }
    if (st == ST_OK) {
        st = open_dialects(&gateway, err);
    }
    if (st == ST_OK) {
        st = listen_all(&gateway, err);
    }
    if (st == ST_OK) {
        admin_register_metrics(gateway.objects);
        load_add_source(gateway.load.load, http_server_read_load, gateway.server);
        load_start(gateway.load.load);
        http_server_start(gateway.server);
        st = membership_join(&gateway.membership, config, gateway.public_address,
                             gateway.public_port, gateway.peering.address, err);
    }
    if (st == ST_OK && object_store_rebalance(gateway.objects) != NULL) {
        rebalance_start(object_store_rebalance(gateway.objects));
    }
    if (st == ST_OK && gateway.membership.is_expected) {
        bucket_delete_resume(gateway.objects); /* of this node's last run, or of one that is gone */
    }
    if (st == ST_OK) {
        print_welcome(&gateway);
        st = wait_for_end(&gateway, err);
    }
    close_all(&gateway);
    return st == ST_CANCELLED ? ST_OK : st;
}
