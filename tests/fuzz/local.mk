# SPDX-License-Identifier: Apache-2.0
# A fuzz target NAME is tests/fuzz/NAME_fuzz.c and the corpus tests/fuzz/corpus/NAME/.  Its folder says
#
#   FUZZ_TARGETS += fuzz/NAME
#   fuzz_NAME_SOURCES = tests/fuzz/NAME_fuzz.c
#   fuzz_NAME_LDADD = $(FUZZ_LIBS) $(BASE_LIBS)
#
# With --enable-fuzz that is a libFuzzer program (tools/fuzz runs it); in all other builds it replays
# its corpus as a TAP test.
FUZZ_TARGETS =
if FUZZ
FUZZ_LIBS = $(FUZZ_ENGINE)
noinst_PROGRAMS += $(FUZZ_TARGETS)
else
FUZZ_LIBS = libreplay.a
check_LIBRARIES += libreplay.a
libreplay_a_SOURCES = tests/fuzz/replay_main.c
check_PROGRAMS += $(FUZZ_TARGETS)
TESTS += $(FUZZ_TARGETS)
endif

FUZZ_TARGETS += fuzz/xml fuzz/encode fuzz/load_text
fuzz_load_text_SOURCES = tests/fuzz/load_text_fuzz.c
fuzz_load_text_LDADD = $(FUZZ_LIBS) $(BASE_LIBS)
fuzz_xml_SOURCES = tests/fuzz/xml_fuzz.c
fuzz_xml_LDADD = $(FUZZ_LIBS) $(BASE_LIBS)
fuzz_encode_SOURCES = tests/fuzz/encode_fuzz.c
fuzz_encode_LDADD = $(FUZZ_LIBS) $(BASE_LIBS)

FUZZ_TARGETS += fuzz/http_head fuzz/http_chunked
fuzz_http_head_SOURCES = tests/fuzz/http_head_fuzz.c
fuzz_http_head_LDADD = $(FUZZ_LIBS) $(NET_LIBS) $(BASE_LIBS)
fuzz_http_chunked_SOURCES = tests/fuzz/http_chunked_fuzz.c
fuzz_http_chunked_LDADD = $(FUZZ_LIBS) $(NET_LIBS) $(BASE_LIBS)

FUZZ_TARGETS += fuzz/http_answer_head
fuzz_http_answer_head_SOURCES = tests/fuzz/http_answer_head_fuzz.c
fuzz_http_answer_head_LDADD = $(FUZZ_LIBS) $(NET_LIBS) $(BASE_LIBS)

FUZZ_TARGETS += fuzz/walk_message
fuzz_walk_message_SOURCES = tests/fuzz/walk_message_fuzz.c
fuzz_walk_message_LDADD = $(FUZZ_LIBS) $(JOBS_LIBS) $(OBJECT_LIBS)

FUZZ_TARGETS += fuzz/host_address
fuzz_host_address_SOURCES = tests/fuzz/host_address_fuzz.c
fuzz_host_address_LDADD = $(FUZZ_LIBS) $(NET_LIBS) $(BASE_LIBS)

FUZZ_TARGETS += fuzz/peer_head fuzz/peer_signature
fuzz_peer_signature_SOURCES = tests/fuzz/peer_signature_fuzz.c
fuzz_peer_signature_LDADD = $(FUZZ_LIBS) $(CLUSTER_LIBS)
FUZZ_TARGETS += fuzz/redirect_mark
fuzz_redirect_mark_SOURCES = tests/fuzz/redirect_mark_fuzz.c
fuzz_redirect_mark_LDADD = $(FUZZ_LIBS) $(CLUSTER_LIBS)
fuzz_peer_head_SOURCES = tests/fuzz/peer_head_fuzz.c
fuzz_peer_head_LDADD = $(FUZZ_LIBS) $(CLUSTER_LIBS)

FUZZ_TARGETS += fuzz/s3_headers fuzz/s3_route fuzz/s3_xml
fuzz_s3_headers_SOURCES = tests/fuzz/s3_headers_fuzz.c
fuzz_s3_headers_LDADD = $(FUZZ_LIBS) libs3.a libnet.a $(STREAM_LIBS)
fuzz_s3_route_SOURCES = tests/fuzz/s3_route_fuzz.c
fuzz_s3_route_LDADD = $(FUZZ_LIBS) libs3.a $(BASE_LIBS)
fuzz_s3_xml_SOURCES = tests/fuzz/s3_xml_fuzz.c
fuzz_s3_xml_LDADD = $(FUZZ_LIBS) libs3.a $(STREAM_LIBS)

FUZZ_TARGETS += fuzz/aws_chunked fuzz/sigv4
fuzz_aws_chunked_SOURCES = \
	tests/fuzz/aws_chunked_fuzz.c \
	tests/unit/auth/chunked_fixture.c tests/unit/auth/chunked_fixture.h
fuzz_aws_chunked_LDADD = $(FUZZ_LIBS) libauth.a $(STREAM_LIBS)
fuzz_sigv4_SOURCES = \
	tests/fuzz/sigv4_fuzz.c \
	tests/unit/control/fake_meta_db.c tests/unit/control/fake_meta_db.h
fuzz_sigv4_LDADD = $(FUZZ_LIBS) libauth.a libcontrol.a libnet.a $(STREAM_LIBS)

FUZZ_TARGETS += fuzz/iam_form
fuzz_iam_form_SOURCES = tests/fuzz/iam_form_fuzz.c
fuzz_iam_form_LDADD = $(FUZZ_LIBS) libiam.a libauth.a $(BASE_LIBS)

FUZZ_TARGETS += fuzz/record
fuzz_record_SOURCES = tests/fuzz/record_fuzz.c
fuzz_record_LDADD = $(FUZZ_LIBS) $(STORE_LIBS)

FUZZ_TARGETS += fuzz/cluster_map
fuzz_cluster_map_SOURCES = tests/fuzz/cluster_map_fuzz.c
fuzz_cluster_map_LDADD = $(FUZZ_LIBS) $(CLUSTER_LIBS)

FUZZ_TARGETS += fuzz/etcd_json
fuzz_etcd_json_SOURCES = tests/fuzz/etcd_json_fuzz.c
fuzz_etcd_json_LDADD = $(FUZZ_LIBS) $(CONTROL_LIBS) $(BASE_LIBS)

FUZZ_TARGETS += fuzz/cluster_values
fuzz_cluster_values_SOURCES = tests/fuzz/cluster_values_fuzz.c
fuzz_cluster_values_LDADD = $(FUZZ_LIBS) $(CLUSTER_LIBS)

FUZZ_TARGETS += fuzz/native_message
fuzz_native_message_SOURCES = tests/fuzz/native_message_fuzz.c
fuzz_native_message_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
fuzz_native_message_LDADD = $(FUZZ_LIBS) libnative.a libjobs.a $(OBJECT_LIBS)

FUZZ_TARGETS += fuzz/key_item fuzz/peer_body fuzz/put_answer
FUZZ_TARGETS += fuzz/promote_message
fuzz_promote_message_SOURCES = tests/fuzz/promote_message_fuzz.c
fuzz_promote_message_LDADD = $(FUZZ_LIBS) $(JOBS_LIBS) $(OBJECT_LIBS)
fuzz_key_item_SOURCES = tests/fuzz/key_item_fuzz.c
fuzz_key_item_LDADD = $(FUZZ_LIBS) $(OBJECT_LIBS)
fuzz_put_answer_SOURCES = tests/fuzz/put_answer_fuzz.c
fuzz_put_answer_LDADD = $(FUZZ_LIBS) $(OBJECT_LIBS)
fuzz_peer_body_SOURCES = tests/fuzz/peer_body_fuzz.c
fuzz_peer_body_LDADD = $(FUZZ_LIBS) $(OBJECT_LIBS)

FUZZ_TARGETS += fuzz/upload_item
fuzz_upload_item_SOURCES = tests/fuzz/upload_item_fuzz.c
fuzz_upload_item_LDADD = $(FUZZ_LIBS) $(OBJECT_LIBS)
