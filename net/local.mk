# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libnet.a
libnet_a_CPPFLAGS = $(AM_CPPFLAGS) $(SSL_CFLAGS) $(CURL_CFLAGS)
libnet_a_SOURCES = \
	net/body_buffers.c net/body_buffers.h \
	net/call_connection.c net/call_connection.h \
	net/event_loop.c net/event_loop.h \
	net/h2o_library.h \
	net/host_resolver.c net/host_resolver.h \
	net/http_acceptor.c net/http_acceptor.h \
	net/http_answer_head.c net/http_answer_head.h \
	net/http_body.c net/http_body.h \
	net/http_caller.c net/http_caller.h \
	net/http_channel.c net/http_channel.h \
	net/http_channel_internal.h \
	net/http_channel_open.c \
	net/http_chunked.c net/http_chunked.h \
	net/http_client.c net/http_client.h \
	net/http_connection.c net/http_connection.h \
	net/http_date.c net/http_date.h \
	net/http_exchange.c net/http_exchange.h \
	net/http_exchange_state.h \
	net/http_field.c net/http_field.h \
	net/http_gate.c net/http_gate.h \
	net/http_head.c net/http_head.h \
	net/http_limits.h \
	net/http_listener.c net/http_listener.h \
	net/http_loop.c net/http_loop.h \
	net/http_metrics.c net/http_metrics.h \
	net/http_relay.c net/http_relay.h \
	net/http_reply.c net/http_reply.h \
	net/http_reply_head.c net/http_reply_head.h \
	net/http_head_text.h \
	net/http_request_head.c net/http_request_head.h \
	net/http_run.c net/http_run.h \
	net/http_server.c net/http_server.h \
	net/socket_address.c net/socket_address.h \
	net/tls_context.c net/tls_context.h \
	net/wire.c net/wire.h

# What a program needs that links libnet.a, before BASE_LIBS.
NET_LIBS = libnet.a $(H2O_LIBS) $(CURL_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS)

include tests/unit/net/local.mk
