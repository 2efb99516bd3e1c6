# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libnative.a
libnative_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
libnative_a_SOURCES = \
	native/native_admission.c native/native_admission.h \
	native/native_answer.c native/native_answer.h \
	native/native_api.c native/native_api.h \
	native/native_attributes.c native/native_attributes.h \
	native/native_bck.c native/native_bck.h \
	native/native_bprops.c native/native_bprops.h \
	native/native_bucket.c \
	native/native_call.c native/native_call.h \
	native/native_cluster.c native/native_cluster.h \
	native/native_config.c native/native_config.h \
	native/native_contract.c native/native_contract.h \
	native/native_drain.c native/native_drain.h \
	native/native_handler.c native/native_handler.h \
	native/native_intake.c native/native_intake.h \
	native/native_job.c \
	native/native_job_list.c native/native_job_list.h \
	native/native_job_start.c native/native_job_start.h \
	native/native_list_message.c native/native_list_message.h \
	native/native_listing.c \
	native/native_message.c native/native_message.h \
	native/native_mountpath.c native/native_mountpath.h \
	native/native_msgpack.c native/native_msgpack.h \
	native/native_node.c \
	native/native_object.c \
	native/native_operator.c \
	native/native_page.c native/native_page.h \
	native/native_place.c native/native_place.h \
	native/native_promote.c \
	native/native_query.c native/native_query.h \
	native/native_rebalance.c native/native_rebalance.h \
	native/native_redirect.c native/native_redirect.h \
	native/native_rechunk.c native/native_rechunk.h \
	native/native_reference.c native/native_reference.h \
	native/native_repeat.c native/native_repeat.h \
	native/native_reverse.c native/native_reverse.h \
	native/native_route.c native/native_route.h \
	native/native_selection.c \
	native/native_shape.c native/native_shape.h \
	native/native_smap.c native/native_smap.h \
	native/native_store.c native/native_store.h \
	native/native_unsupported.c \
	native/native_upload.c

include tests/unit/native/local.mk
