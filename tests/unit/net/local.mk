# SPDX-License-Identifier: Apache-2.0
noinst_PROGRAMS += tests/unit/net/http_example
tests_unit_net_http_example_LDADD = $(NET_LIBS) $(BASE_LIBS)

check_LIBRARIES += libnettest.a
libnettest_a_CPPFLAGS = $(AM_CPPFLAGS) $(SSL_CFLAGS)
libnettest_a_SOURCES = \
	tests/unit/net/test_authority.c tests/unit/net/test_authority.h \
	tests/unit/net/test_client.c tests/unit/net/test_client.h \
	tests/unit/net/test_server.c tests/unit/net/test_server.h
NET_TEST_LIBS = libnettest.a $(TEST_LIBS) $(NET_LIBS) $(BASE_LIBS)

NET_TESTS = \
	tests/unit/net/body_buffers_test \
	tests/unit/net/event_loop_test \
	tests/unit/net/http_chunked_test \
	tests/unit/net/http_date_test \
	tests/unit/net/http_head_test \
	tests/unit/net/http_reply_head_test
NET_TESTS += tests/unit/net/host_resolver_test
NET_TESTS += tests/unit/net/http_answer_head_test
NET_TESTS += tests/unit/net/http_body_test
NET_TESTS += tests/unit/net/http_caller_test
NET_TESTS += tests/unit/net/http_caller_tls_test
NET_TESTS += tests/unit/net/http_channel_test
NET_TESTS += tests/unit/net/http_client_test
NET_TESTS += tests/unit/net/http_connection_test
NET_TESTS += tests/unit/net/http_exchange_test
NET_TESTS += tests/unit/net/http_gate_test
NET_TESTS += tests/unit/net/http_listener_test
NET_TESTS += tests/unit/net/http_relay_test
NET_TESTS += tests/unit/net/http_relay_tls_test
NET_TESTS += tests/unit/net/http_reply_test
NET_TESTS += tests/unit/net/http_request_head_test
NET_TESTS += tests/unit/net/http_server_test
NET_TESTS += tests/unit/net/socket_address_test
NET_TESTS += tests/unit/net/wire_test
check_PROGRAMS += $(NET_TESTS)
TESTS += $(NET_TESTS)
tests_unit_net_body_buffers_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_event_loop_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_http_chunked_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_http_date_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_http_head_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_http_reply_head_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_http_body_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_http_connection_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_http_exchange_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_http_gate_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_http_listener_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_http_relay_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_http_reply_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_http_server_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_http_answer_head_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_http_request_head_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_socket_address_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_http_channel_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_http_client_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_http_caller_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_http_caller_tls_test_SOURCES = tests/unit/net/http_caller_test.c
tests_unit_net_http_caller_tls_test_CPPFLAGS = $(AM_CPPFLAGS) -DCALL_OVER_TLS=1
tests_unit_net_http_caller_tls_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_http_relay_tls_test_SOURCES = tests/unit/net/http_relay_test.c
tests_unit_net_http_relay_tls_test_CPPFLAGS = $(AM_CPPFLAGS) -DRELAY_OVER_TLS=1
tests_unit_net_http_relay_tls_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_wire_test_LDADD = $(NET_TEST_LIBS)
tests_unit_net_host_resolver_test_LDADD = $(NET_TEST_LIBS)
