# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libmeta.a
libmeta_a_SOURCES = \
	meta/current_file.c meta/current_file.h \
	meta/extent.h \
	meta/former_record.c meta/former_record.h \
	meta/layout_codec.c \
	meta/manifest_tail.c meta/manifest_tail.h \
	meta/meta_batch.c \
	meta/meta_db.c meta/meta_db.h \
	meta/meta_internal.h \
	meta/meta_iterator.c \
	meta/meta_key.c meta/meta_key.h \
	meta/meta_merge.c \
	meta/meta_options.c \
	meta/object_record.c meta/object_record.h \
	meta/open_origin.c meta/open_origin.h \
	meta/page_codec.c \
	meta/record_codec.c meta/record_codec.h \
	meta/upload_record.c meta/upload_record.h

# What a program needs that links libmeta.a, before BASE_LIBS.
META_LIBS = libmeta.a $(ROCKSDB_LIBS)

include tests/unit/meta/local.mk
