"""The components of extractions by one plan: built when first needed, and kept for what is extracted next."""

from __future__ import annotations

from fspp_core.extraction.plan import Plan, Tools


class Workbench:
    """A plan and its components. Close it when no more is to be extracted.

    Attributes:
        plan: what is extracted by.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._tools: Tools | None = None

    def tools(self) -> Tools:
        """The components.

        Raises:
            FsppError: as `Plan.build`.
        """
        if self._tools is None:
            self._tools = self.plan.build()
        return self._tools

    def close(self) -> None:
        """Close the components, if they were needed."""
        if self._tools is not None:
            self._tools.close()
