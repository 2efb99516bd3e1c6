# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libobject.a
libobject_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
libobject_a_SOURCES = \
	object/bucket.c object/bucket.h \
	object/bucket_delete.c object/bucket_delete.h \
	object/bucket_empty.c object/bucket_empty.h \
	object/bucket_fence.c object/bucket_fence.h \
	object/bucket_table.c object/bucket_table.h \
	object/bucket_value.c object/bucket_value.h \
	object/chunk_policy.c object/chunk_policy.h \
	object/client_rest.c object/client_rest.h \
	object/cleanup_rules.c object/cleanup_rules.h \
	object/completion.c object/completion.h \
	object/control_mirror.c object/control_mirror.h \
	object/copy_plan.c object/copy_plan.h \
	object/copy_quarantine.c object/copy_quarantine.h \
	object/extent_pages.c object/extent_pages.h \
	object/fetch_place.c object/fetch_place.h \
	object/fsck.c object/fsck.h \
	object/fsck_bytes.c \
	object/fsck_files.c \
	object/fsck_home.h \
	object/fsck_records.c \
	object/fsck_tallies.c \
	object/fsck_tally.c object/fsck_tally.h \
	object/home_merge.c object/home_merge.h \
	object/home_move.c object/home_move.h \
	object/home_move_internal.h object/home_move_uploads.c \
	object/key_claim.c object/key_claim.h \
	object/key_former.c object/key_former.h \
	object/key_holding.c object/key_holding.h \
	object/key_item.c object/key_item.h \
	object/key_move.c object/key_move.h \
	object/key_receive.c object/key_receive.h \
	object/key_settle.c object/key_settle.h \
	object/key_turn.c object/key_turn.h \
	object/mountpath_admin.c object/mountpath_admin.h \
	object/multipart.c object/multipart.h \
	object/multipart_complete.c \
	object/multipart_list.c object/multipart_list_own.h \
	object/multipart_list_merge.c \
	object/native_checksum.c object/native_checksum.h \
	object/native_put.c object/native_put.h \
	object/object_attributes.c object/object_attributes.h \
	object/object_checksum.c object/object_checksum.h \
	object/object_cluster.c object/object_cluster.h \
	object/object_conditions.c object/object_conditions.h \
	object/object_control.c object/object_control.h \
	object/object_copy.c object/object_copy.h \
	object/object_current.c object/object_current.h \
	object/object_custom.c object/object_custom.h \
	object/object_delete.c object/object_delete.h \
	object/object_delete_split.c object/object_delete_own.h \
	object/object_get.c object/object_get.h object/object_get_own.h \
	object/object_get_relay.c \
	object/object_internal.h \
	object/object_key.c object/object_key.h \
	object/object_list.c object/object_list.h \
	object/object_list_merge.c object/object_list_own.h \
	object/object_list_placing.c \
	object/object_promote.c object/object_promote.h \
	object/object_pull.c object/object_pull.h \
	object/object_put.c object/object_put.h \
	object/object_put_commit.c \
	object/object_put_forward.c object/object_put_forward.h \
	object/object_put_internal.h \
	object/object_recover.c \
	object/object_rechunk.c object/object_rechunk.h \
	object/object_relay.c object/object_relay.h \
	object/object_route.c object/object_route.h \
	object/object_store.c object/object_store.h \
	object/page_merge.c object/page_merge.h \
	object/ownership.c object/ownership.h \
	object/part_table.c object/part_table.h \
	object/placement_rules.c object/placement_rules.h \
	object/promote_source.c object/promote_source.h \
	object/promote_walk.c object/promote_walk.h \
	object/put_answer.c object/put_answer.h \
	object/rebalance.c object/rebalance.h \
	object/rebalance_cleanup.c object/rebalance_cleanup.h \
	object/rebalance_drop.c \
	object/rebalance_internal.h \
	object/rebalance_metrics.c object/rebalance_metrics.h \
	object/rebalance_left.c object/rebalance_left.h \
	object/rebalance_scan.c \
	object/rebalance_send.c \
	object/rehome.c object/rehome.h \
	object/resilver.c object/resilver.h \
	object/resilver_evacuate.c \
	object/resilver_internal.h \
	object/resilver_losses.c \
	object/upload_arrive.c object/upload_arrive.h \
	object/upload_current.c object/upload_current.h \
	object/upload_entries.c object/upload_entries.h \
	object/upload_find.c object/upload_find.h \
	object/upload_item.c object/upload_item.h \
	object/upload_leave.c \
	object/upload_location.c object/upload_location.h \
	object/upload_pin.c object/upload_pin.h \
	object/upload_publish.c object/upload_publish.h \
	object/upload_remove.c object/upload_remove.h

# What a program needs that links libobject.a.
OBJECT_LIBS = libobject.a $(CLUSTER_LIBS) $(AUTH_LIBS) $(STORE_LIBS) $(CONTROL_LIBS) $(STREAM_LIBS) $(BASE_LIBS)

include tests/unit/object/local.mk
