# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += tests/cluster_model/protocol_test
TESTS += tests/cluster_model/protocol_test
LONG_TESTS += tests/cluster_model/protocol_test
tests_cluster_model_protocol_test_SOURCES = \
	tests/cluster_model/protocol_control.c \
	tests/cluster_model/protocol_explorer.c tests/cluster_model/protocol_explorer.h \
	tests/cluster_model/protocol_history.c tests/cluster_model/protocol_history.h \
	tests/cluster_model/protocol_listing.c \
	tests/cluster_model/protocol_move.c \
	tests/cluster_model/protocol_operation.c tests/cluster_model/protocol_operation.h \
	tests/cluster_model/protocol_operator.c \
	tests/cluster_model/protocol_read.c \
	tests/cluster_model/protocol_rules.h \
	tests/cluster_model/protocol_scenarios.c tests/cluster_model/protocol_scenarios.h \
	tests/cluster_model/protocol_state.c tests/cluster_model/protocol_state.h \
	tests/cluster_model/protocol_step.c tests/cluster_model/protocol_step.h \
	tests/cluster_model/protocol_test.c
tests_cluster_model_protocol_test_LDADD = $(BASE_LIBS)
