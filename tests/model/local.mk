# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += tests/model/model_test
TESTS += tests/model/model_test tests/model/http_model_test.sh
LONG_TESTS += tests/model/model_test tests/model/http_model_test.sh
EXTRA_DIST += tests/model/http_model.py
tests_model_model_test_SOURCES = \
	tests/model/model.h \
	tests/model/model_lists.c \
	tests/model/model_main.c \
	tests/model/model_mountpaths.c \
	tests/model/model_objects.c \
	tests/model/model_run.c \
	tests/model/model_state.c \
	tests/model/model_uploads.c
tests_model_model_test_LDADD = $(OBJECT_LIBS)
