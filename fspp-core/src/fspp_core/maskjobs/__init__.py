"""Jobs on stored masks: add, preview, export, import, copy, remove, info. Imported piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fspp_core.lazy import lazy

if TYPE_CHECKING:
    from fspp_core.maskjobs.adding import add_masks
    from fspp_core.maskjobs.copying import copy_masks
    from fspp_core.maskjobs.exporting import export_masks
    from fspp_core.maskjobs.importing import import_masks
    from fspp_core.maskjobs.info import masks_info
    from fspp_core.maskjobs.options import (
        AddOptions,
        CopyOptions,
        ExportOptions,
        ImportOptions,
        PreviewOptions,
        RemoveOptions,
    )
    from fspp_core.maskjobs.previewing import preview_masks
    from fspp_core.maskjobs.removing import remove_masks
    from fspp_core.maskjobs.report import MaskReport

_HOMES = {
    "AddOptions": "options",
    "CopyOptions": "options",
    "ExportOptions": "options",
    "ImportOptions": "options",
    "MaskReport": "report",
    "PreviewOptions": "options",
    "RemoveOptions": "options",
    "add_masks": "adding",
    "copy_masks": "copying",
    "export_masks": "exporting",
    "import_masks": "importing",
    "masks_info": "info",
    "preview_masks": "previewing",
    "remove_masks": "removing",
}

__all__ = [
    "AddOptions",
    "CopyOptions",
    "ExportOptions",
    "ImportOptions",
    "MaskReport",
    "PreviewOptions",
    "RemoveOptions",
    "add_masks",
    "copy_masks",
    "export_masks",
    "import_masks",
    "masks_info",
    "preview_masks",
    "remove_masks",
]

__getattr__, __dir__ = lazy(__name__, _HOMES)
