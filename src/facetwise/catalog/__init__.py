"""Official releases on the user's machine: loaded from the files as published, found by date of service."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facetwise.catalog.database import (
        Catalog,
        MissingRelease,
        MissingReleaseError,
        Release,
        catalog_path,
        home_directory,
        open_catalog,
    )
    from facetwise.catalog.kinds import KINDS, Kind
    from facetwise.catalog.load import Loaded, load_files

__all__ = [
    "KINDS",
    "Catalog",
    "Kind",
    "Loaded",
    "MissingRelease",
    "MissingReleaseError",
    "Release",
    "catalog_path",
    "home_directory",
    "load_files",
    "open_catalog",
]
_HOMES = {"KINDS": "kinds", "Kind": "kinds", "Loaded": "load", "load_files": "load"}


def __getattr__(name: str) -> object:
    # Imported when first used: the command line imports this package before it knows what is asked.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'database')}"), name)
