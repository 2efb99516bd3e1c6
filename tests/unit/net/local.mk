# SPDX-License-Identifier: Apache-2.0
noinst_PROGRAMS += tests/unit/net/http_example
tests_unit_net_http_example_LDADD = $(NET_LIBS) $(BASE_LIBS)
