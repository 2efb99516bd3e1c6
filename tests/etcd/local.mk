# SPDX-License-Identifier: Apache-2.0
# Real etcd members on loopback, for unit tests (the library) and scripts (the program), and a
# network between them that can fail.
check_LIBRARIES += libetcdfixture.a
libetcdfixture_a_SOURCES = \
	tests/etcd/etcd_fixture.c tests/etcd/etcd_fixture.h \
	tests/etcd/tcp_proxy.c tests/etcd/tcp_proxy.h
check_PROGRAMS += tests/etcd/etcd_cluster
tests_etcd_etcd_cluster_SOURCES = tests/etcd/etcd_cluster.c
tests_etcd_etcd_cluster_LDADD = libetcdfixture.a $(NET_LIBS) $(BASE_LIBS)
