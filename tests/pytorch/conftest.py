# SPDX-License-Identifier: Apache-2.0
"""The servers, clients and buckets of tests/sdk/."""

import importlib.util
import sys
from pathlib import Path

SDK = Path(__file__).resolve().parent.parent / "sdk"
sys.path.insert(0, str(SDK))

_spec = importlib.util.spec_from_file_location("sdk_conftest", SDK / "conftest.py")
_module = importlib.util.module_from_spec(_spec)
sys.modules["sdk_conftest"] = _module
_spec.loader.exec_module(_module)

bucket = _module.bucket
client = _module.client
other_client = _module.other_client
pytest_collection_modifyitems = _module.pytest_collection_modifyitems
pytest_configure = _module.pytest_configure
server = _module.server
