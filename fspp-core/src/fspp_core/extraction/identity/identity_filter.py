"""The identity filter stage: faces kept or left out by their likeness to those in reference pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from fspp_core.errors import ConfigError
from fspp_core.extraction.filtering import sifted
from fspp_core.extraction.options import ExtractOptions
from fspp_core.extraction.shots import Group, Shot
from fspp_core.interfaces import Recognizer
from fspp_core.types import Face, FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IdentityFilter:
    """Keeps faces that are like a wanted one, and leaves out those that are like an unwanted one.

    A face like both is left out when it is more like the unwanted than the wanted.

    Attributes:
        recognizer: whose descriptions of the faces to compare.
        threshold: the cosine from which two faces are like each other.
        wanted: (n, d) float32 of unit length; None to keep all that are not like an unwanted one.
        unwanted: likewise; None to leave out none for that.
        left_out: gets the number of faces left out, as "filter" and "nfilter".
    """

    recognizer: str
    threshold: float
    wanted: FloatArray | None
    unwanted: FloatArray | None
    left_out: Counter[str]

    def __call__(self, group: Group) -> Group:
        """The same frames with the faces that pass."""
        return sifted(group, self._failed, self.left_out)

    def _failed(self, _: Shot, face: Face) -> str | None:
        vector = face.identity[self.recognizer]
        wanted = None if self.wanted is None else float((self.wanted @ vector).max())
        unwanted = None if self.unwanted is None else float((self.unwanted @ vector).max())
        if unwanted is not None and unwanted >= self.threshold and (wanted is None or unwanted > wanted):
            return "nfilter"
        return "filter" if wanted is not None and wanted < self.threshold else None


def threshold(options: ExtractOptions, recognizer: Recognizer) -> float:
    """The cosine from which the first of the recognizers takes two faces for one person's.

    Raises:
        ConfigError: when neither the options nor the recognizer say.
    """
    suggested: float | None = getattr(recognizer, "same_person", None)
    found = suggested if options.filter_threshold is None else options.filter_threshold
    if found is None:
        raise ConfigError(f"filter_threshold: {options.recognizers[0]!r} suggests none; give one, from -1 to 1")
    return found


def identity_filter(
    options: ExtractOptions,
    recognizers: Mapping[str, Recognizer],
    references: Mapping[str, FloatArray],
    left_out: Counter[str],
) -> IdentityFilter | None:
    """The filter that the options ask for, None where they ask for none.

    Args:
        options: of the extraction.
        recognizers: by name; the first is asked.
        references: descriptions of the faces of "filter" and "nfilter" by the first.
        left_out: see `IdentityFilter`.

    Raises:
        ConfigError: as `threshold`.
    """
    if not references:
        return None
    name = options.recognizers[0]
    return IdentityFilter(
        recognizer=name,
        threshold=threshold(options, recognizers[name]),
        wanted=references.get("filter"),
        unwanted=references.get("nfilter"),
        left_out=left_out,
    )
