# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libstore.a
libstore_a_SOURCES = \
	store/batch_map.c store/batch_map.h \
	store/chunk_file.c store/chunk_file.h \
	store/chunk_format.c store/chunk_format.h \
	store/chunk_guard.c store/chunk_guard.h \
	store/chunk_link.c store/chunk_link.h \
	store/chunk_writer.c \
	store/commit.c store/commit.h \
	store/commit_internal.h \
	store/commit_layout.c \
	store/committer.c store/committer.h \
	store/extent_cursor.c store/extent_cursor.h \
	store/generation_guard.c store/generation_guard.h \
	store/health.c store/health.h \
	store/home.c store/home.h \
	store/home_internal.h \
	store/home_metrics.c store/home_metrics.h \
	store/home_placement.c store/home_placement.h \
	store/housekeeper.c store/housekeeper.h \
	store/identity.c store/identity.h \
	store/layout_extents.c \
	store/layout_reader.c store/layout_reader.h \
	store/layout_walk.c store/layout_walk.h \
	store/layout_writer.c store/layout_writer.h \
	store/lazy_sync.c store/lazy_sync.h \
	store/mirror.c store/mirror.h \
	store/mountpath_change.c store/mountpath_change.h \
	store/mountpath_choice.c store/mountpath_choice.h \
	store/mountpath_setup.c store/mountpath_setup.h \
	store/mountpath_drain.c store/mountpath_drain.h \
	store/node_homes.c \
	store/node_record.c store/node_record.h \
	store/pack_collector.c store/pack_collector.h \
	store/pack_format.c store/pack_format.h \
	store/pack_mover.c store/pack_mover.h \
	store/pack_reader.c store/pack_reader.h \
	store/pack_recycle.c \
	store/pack_set.c store/pack_set.h \
	store/pack_set_internal.h \
	store/pack_walk.c store/pack_walk.h \
	store/pack_witness.c store/pack_witness.h \
	store/pack_writer.c store/pack_writer.h \
	store/page_reclaim.c store/page_reclaim.h \
	store/path_open.c store/path_open.h \
	store/pin_table.c store/pin_table.h \
	store/reclaimer.c store/reclaimer.h \
	store/space.c store/space.h \
	store/store.c store/store.h \
	store/store_limits.h \
	store/home_load.c store/home_load.h \
	store/store_metrics.c store/store_metrics.h \
	store/sweep.c store/sweep.h \
	store/upkeep.c store/upkeep.h

# What a program needs that links libstore.a, before BASE_LIBS.
STORE_LIBS = libstore.a $(META_LIBS) $(STREAM_LIBS)

include tests/unit/store/local.mk
