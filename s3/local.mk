# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libs3.a
libs3_a_SOURCES = \
	s3/complete_multipart_upload.c \
	s3/copy_object.c \
	s3/create_bucket.c \
	s3/create_multipart_upload.c \
	s3/delete_object.c \
	s3/delete_objects.c \
	s3/get_object.c \
	s3/get_object_attributes.c \
	s3/head_bucket.c \
	s3/list_buckets.c \
	s3/list_objects.c \
	s3/list_parts.c \
	s3/put_acl.c \
	s3/put_object.c \
	s3/s3_admission.c s3/s3_admission.h \
	s3/s3_answer.c s3/s3_answer.h \
	s3/s3_attributes.c s3/s3_attributes.h \
	s3/s3_body.c s3/s3_body.h \
	s3/s3_checksum.c s3/s3_checksum.h \
	s3/s3_conditions.c s3/s3_conditions.h \
	s3/s3_continuation.c s3/s3_continuation.h \
	s3/s3_copy_source.c s3/s3_copy_source.h \
	s3/s3_dialect.c s3/s3_dialect.h \
	s3/s3_error.c s3/s3_error.h \
	s3/s3_handler.c s3/s3_handler.h \
	s3/s3_headers.c s3/s3_headers.h \
	s3/s3_listing.c s3/s3_listing.h \
	s3/s3_operation.c s3/s3_operation.h \
	s3/s3_query.c s3/s3_query.h \
	s3/s3_range.c s3/s3_range.h \
	s3/s3_relay.c s3/s3_relay.h \
	s3/s3_request.c s3/s3_request.h \
	s3/s3_route.c s3/s3_route.h \
	s3/s3_time.c s3/s3_time.h \
	s3/s3_upload.c s3/s3_upload.h \
	s3/s3_xml.c s3/s3_xml.h \
	s3/unset_configuration.c \
	s3/upload_part.c

# What a program needs that links libs3.a, before OBJECT_LIBS.
S3_LIBS = libs3.a

include tests/unit/s3/local.mk
