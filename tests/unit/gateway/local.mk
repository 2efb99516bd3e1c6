# SPDX-License-Identifier: Apache-2.0
GATEWAY_TESTS = \
	tests/unit/gateway/config_test \
	tests/unit/gateway/root_key_test
check_PROGRAMS += $(GATEWAY_TESTS)
TESTS += $(GATEWAY_TESTS)
tests_unit_gateway_config_test_LDADD = $(TEST_LIBS) libgateway.a $(BASE_LIBS)
tests_unit_gateway_root_key_test_LDADD = $(TEST_LIBS) libgateway.a $(CONTROL_LIBS) $(BASE_LIBS)
