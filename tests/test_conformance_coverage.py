"""Every component of this repository has a class from the conformance kit among its distribution's tests."""

from __future__ import annotations

from fspp_core.registry import load_registry
from fspp_core.testing import components_without_class


def test_every_installed_component_has_a_conformance_class(repository):
    modules = sorted(repository.glob("fspp-*/tests/**/test_conformance*.py"))
    ours = {path.parent.name for path in repository.glob("fspp-*/pyproject.toml")}
    missing = [entry for entry in components_without_class(load_registry(), modules) if entry[2] in ours]
    assert missing == []


def test_no_plugin_of_this_repository_is_broken(repository):
    ours = {path.parent.name for path in repository.glob("fspp-*/pyproject.toml")}
    assert [str(broken) for broken in load_registry().broken if broken.distribution in ours] == []
