# SPDX-License-Identifier: Apache-2.0
AUTH_TESTS = \
	tests/unit/auth/authenticate_query_test \
	tests/unit/auth/authenticate_test \
	tests/unit/auth/authenticate_vouch_test \
	tests/unit/auth/authorize_test \
	tests/unit/auth/aws_chunked_test \
	tests/unit/auth/canonical_request_test \
	tests/unit/auth/credential_store_test \
	tests/unit/auth/failure_limit_test \
	tests/unit/auth/hmac_sha1_test \
	tests/unit/auth/hmac_sha256_test \
	tests/unit/auth/payload_sha256_test \
	tests/unit/auth/sign_request_test \
	tests/unit/auth/sigv2_query_test \
	tests/unit/auth/sigv2_vectors_test \
	tests/unit/auth/sigv4_vectors_test
check_PROGRAMS += $(AUTH_TESTS)
TESTS += $(AUTH_TESTS) tests/unit/auth/principal_test.sh
EXTRA_DIST += \
	tests/golden/sigv2_vectors.txt tools/make-sigv2-vectors \
	tests/golden/sigv4_vectors.txt tools/make-sigv4-vectors tests/unit/auth/principal_test.sh

# A credential store over the fake database of the control tests.
AUTH_TEST_FIXTURE = \
	tests/unit/auth/sigv4_fixture.c tests/unit/auth/sigv4_fixture.h \
	tests/unit/control/fake_meta_db.c tests/unit/control/fake_meta_db.h
AUTH_TEST_LIBS = $(TEST_LIBS) libauth.a libcontrol.a libnet.a $(JANSSON_LIBS) $(STREAM_LIBS)
AUTH_TEST_CPPFLAGS = $(AM_CPPFLAGS) -DLODE_TEST_SRCDIR='"$(abs_top_srcdir)"'

SIGNATURE_VECTORS = \
	tests/unit/auth/signature_vectors.c tests/unit/auth/signature_vectors.h $(AUTH_TEST_FIXTURE)
tests_unit_auth_sigv4_vectors_test_SOURCES = tests/unit/auth/sigv4_vectors_test.c $(SIGNATURE_VECTORS)
tests_unit_auth_sigv4_vectors_test_CPPFLAGS = $(AUTH_TEST_CPPFLAGS)
tests_unit_auth_sigv4_vectors_test_LDADD = $(AUTH_TEST_LIBS)

tests_unit_auth_sigv2_vectors_test_SOURCES = tests/unit/auth/sigv2_vectors_test.c $(SIGNATURE_VECTORS)
tests_unit_auth_sigv2_vectors_test_CPPFLAGS = $(AUTH_TEST_CPPFLAGS)
tests_unit_auth_sigv2_vectors_test_LDADD = $(AUTH_TEST_LIBS)
tests_unit_auth_sigv2_query_test_SOURCES = tests/unit/auth/sigv2_query_test.c $(AUTH_TEST_FIXTURE)
tests_unit_auth_sigv2_query_test_LDADD = $(AUTH_TEST_LIBS)

tests_unit_auth_aws_chunked_test_SOURCES = \
	tests/unit/auth/aws_chunked_test.c \
	tests/unit/auth/chunked_fixture.c tests/unit/auth/chunked_fixture.h
tests_unit_auth_aws_chunked_test_LDADD = $(TEST_LIBS) libauth.a $(STREAM_LIBS)

tests_unit_auth_authenticate_test_SOURCES = tests/unit/auth/authenticate_test.c $(AUTH_TEST_FIXTURE)
tests_unit_auth_authenticate_test_LDADD = $(AUTH_TEST_LIBS)
tests_unit_auth_authenticate_vouch_test_SOURCES = \
	tests/unit/auth/authenticate_vouch_test.c $(AUTH_TEST_FIXTURE)
tests_unit_auth_authenticate_vouch_test_LDADD = $(AUTH_TEST_LIBS)
tests_unit_auth_authorize_test_LDADD = $(TEST_LIBS) libauth.a $(STREAM_LIBS)
tests_unit_auth_credential_store_test_SOURCES = \
	tests/unit/auth/credential_store_test.c \
	tests/unit/control/fake_meta_db.c tests/unit/control/fake_meta_db.h
tests_unit_auth_credential_store_test_LDADD = $(AUTH_TEST_LIBS)
tests_unit_auth_payload_sha256_test_SOURCES = \
	tests/unit/auth/payload_sha256_test.c \
	tests/unit/control/fake_meta_db.c tests/unit/control/fake_meta_db.h \
	tests/unit/auth/chunked_fixture.c tests/unit/auth/chunked_fixture.h
tests_unit_auth_payload_sha256_test_LDADD = $(AUTH_TEST_LIBS)
tests_unit_auth_sign_request_test_SOURCES = tests/unit/auth/sign_request_test.c $(AUTH_TEST_FIXTURE)
tests_unit_auth_sign_request_test_LDADD = $(AUTH_TEST_LIBS)
tests_unit_auth_authenticate_query_test_SOURCES = \
	tests/unit/auth/authenticate_query_test.c $(AUTH_TEST_FIXTURE)
tests_unit_auth_authenticate_query_test_LDADD = $(AUTH_TEST_LIBS)
tests_unit_auth_canonical_request_test_SOURCES = \
	tests/unit/auth/canonical_request_test.c $(AUTH_TEST_FIXTURE)
tests_unit_auth_canonical_request_test_LDADD = $(AUTH_TEST_LIBS)
tests_unit_auth_hmac_sha256_test_LDADD = $(TEST_LIBS) libauth.a $(STREAM_LIBS)
tests_unit_auth_failure_limit_test_SOURCES = \
	tests/unit/auth/failure_limit_test.c $(AUTH_TEST_FIXTURE)
tests_unit_auth_failure_limit_test_LDADD = $(AUTH_TEST_LIBS)
tests_unit_auth_hmac_sha1_test_LDADD = $(TEST_LIBS) libauth.a $(STREAM_LIBS)
