# SPDX-License-Identifier: Apache-2.0
"""Which public methods of the SDK there are, and which test calls which."""

import functools
import importlib
import inspect
import pkgutil

import aistore.sdk

# Runs in containers that an ETL starts, never against a server that the client chooses.
LEFT_OUT = "webserver"


def classes():
    """{name: class} of all that the package defines."""
    found = {}
    for module in pkgutil.walk_packages(aistore.sdk.__path__, "aistore.sdk."):
        if LEFT_OUT in module.name:
            continue
        for name, one in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if one.__module__ == module.name and not name.startswith("_") and "[" not in name:
                found[name] = one
    return found


def is_method(value):
    return callable(value) or isinstance(value, (property, staticmethod, classmethod))


def methods():
    """{"Class.method": (class, how it stands there)}, those that are inherited at their heir too if it is
    what users make."""
    return {
        f"{name}.{member}": (one, value)
        for name, one in classes().items()
        for member, value in vars(one).items()
        if not member.startswith("_") and is_method(value)
    }


class Watch:
    """Notes each call of a method together with the test that is running."""

    def __init__(self):
        self.test = ""
        self.calls = {}  # method -> tests

    def note(self, name):
        if self.test:
            self.calls.setdefault(name, set()).add(self.test)

    def wrap(self, name, function):
        @functools.wraps(function)
        def watched(*arguments, **options):
            self.note(name)
            return function(*arguments, **options)

        return watched

    def start(self):
        for name, (one, value) in methods().items():
            member = name.partition(".")[2]
            if isinstance(value, property):
                wrapped = property(self.wrap(name, value.fget), value.fset, value.fdel)
            elif isinstance(value, (staticmethod, classmethod)):
                wrapped = type(value)(self.wrap(name, value.__func__))
            elif inspect.isfunction(value):
                wrapped = self.wrap(name, value)
            else:
                continue
            try:
                setattr(one, member, wrapped)
            except (AttributeError, TypeError):
                continue
