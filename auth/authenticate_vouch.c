/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Principals of requests without a signature of their client: because the operator allows that, or
 * because a gateway vouches for who it has authenticated.
 */
#include "auth/authenticate.h"
#include "auth/credential_document.h"
#include "auth/credential_lookup.h"
#include "auth/principal_private.h"
#include "base/memory.h"

#include "base/banned.h"

static const struct principal ANONYMOUS = {.is_root = true,
                                           .is_anonymous = true,
                                           .user = {"root", 4},
                                           .access_key = {"native-anonymous", 16}};

enum status
authenticate_native_anonymous(const struct http_request *request,
                              struct authentication *ret_authentication, struct error *err)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (bytes_equal_string(request->headers[i].name, "forwarded") ||
            bytes_equal_string(request->headers[i].name, "x-forwarded-for")) {
            return fail_as(err, ST_UNAUTHENTICATED, "AccessDenied",
                           "token required: requests that were forwarded cannot be anonymous");
        }
    }
    *ret_authentication = (struct authentication){.principal = &ANONYMOUS,
                                                  .payload_mode = PAYLOAD_UNSIGNED,
                                                  .decoded_length = HTTP_LENGTH_UNKNOWN};
    return ST_OK;
}

static enum status
find_principal(struct credential_store *credentials, struct bytes access_key, struct arena *arena,
               const struct principal **ret_principal, struct error *err)
{
    struct credential_owner owner;
    struct principal *principal;

    if (!credential_find_owner(credentials, access_key, &owner)) {
        return fail_as(err, ST_DENIED, "InvalidAccessKeyId",
                       "the access key that the redirect names is not there any more");
    }
    principal = arena_calloc(arena, 1, sizeof(*principal));
    principal->is_root = owner.is_root;
    principal->user = arena_copy(arena, bytes_of(owner.user, owner.user_size));
    principal->access_key = arena_copy(arena, access_key);
    *ret_principal = principal;
    return ST_OK;
}

enum status
authenticate_vouched(struct credential_store *credentials, const struct authenticate_vouch *vouch,
                     struct arena *arena, struct authentication *ret_authentication,
                     struct error *err)
{
    struct authentication authentication = {.principal = &ANONYMOUS,
                                            .payload_mode = PAYLOAD_UNSIGNED,
                                            .decoded_length = HTTP_LENGTH_UNKNOWN};
    enum status st = ST_OK;

    if (!memory_equal_secret(vouch->mac, vouch->computed, VOUCH_MAC_SIZE)) {
        return fail(err, ST_DENIED, "the signature of the redirect does not match the request");
    }
    if (!vouch->is_anonymous) {
        st = find_principal(credentials, vouch->access_key, arena, &authentication.principal, err);
    }
    if (st != ST_OK) {
        return st;
    }
    if (vouch->has_payload_sha256) {
        authentication.payload_mode = PAYLOAD_SIGNED;
        memcpy(authentication.payload_sha256, vouch->payload_sha256,
               sizeof(authentication.payload_sha256));
    }
    *ret_authentication = authentication;
    return ST_OK;
}

enum status
authenticate_vouched_refresh(struct credential_store *credentials, struct bytes access_key,
                             struct arena *arena, struct error *err)
{
    return control_refresh(credential_store_control(credentials),
                           credential_document_key(arena, "key/", access_key), err);
}
