# SPDX-License-Identifier: Apache-2.0
# AIStore's Go clients, where they are installed.
TESTS += tests/cli/clients_test.sh
LONG_TESTS += tests/cli/clients_test.sh
EXTRA_DIST += tests/cli/README.md tests/cli/clients_test.sh tests/cli/conftest.py tests/cli/requirements.txt \
	tests/cli/test_ais.py tests/cli/test_aisloader.py
