# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libauth.a
libauth_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
libauth_a_SOURCES = \
	auth/amz_date.c auth/amz_date.h \
	auth/auth_metrics.c auth/auth_metrics.h \
	auth/authenticate.c auth/authenticate.h \
	auth/authenticate_vouch.c \
	auth/authorize.c auth/authorize.h \
	auth/aws_chunked.c auth/aws_chunked.h \
	auth/canonical_request.c auth/canonical_request.h \
	auth/credential_admin.c \
	auth/credential_document.c auth/credential_document.h \
	auth/credential_lookup.h \
	auth/credential_store.c auth/credential_store.h \
	auth/failure_limit.c auth/failure_limit.h \
	auth/hmac.c auth/hmac.h \
	auth/hmac_sha1.c auth/hmac_sha1.h \
	auth/hmac_sha256.c auth/hmac_sha256.h \
	auth/payload_sha256.c auth/payload_sha256.h \
	auth/principal.c auth/principal.h auth/principal_private.h \
	auth/sign_request.c auth/sign_request.h \
	auth/signing_key_cache.c auth/signing_key_cache.h \
	auth/sigv2_query.c auth/sigv2_query.h \
	auth/sigv4_request.c auth/sigv4_request.h

# What a program needs that links libauth.a, before BASE_LIBS.
AUTH_LIBS = libauth.a $(CONTROL_LIBS) $(NET_LIBS) $(STREAM_LIBS)

include tests/unit/auth/local.mk
