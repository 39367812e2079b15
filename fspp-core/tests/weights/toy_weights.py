"""A detector that needs weights, as a single-file plugin."""

from fspp_core.errors import WeightsError
from fspp_core.hookspecs import hookimpl
from fspp_core.specs import ComponentSpec, WeightFile

FSPP_API = 1


class Toy:
    """Holds what it was built with."""

    def __init__(self, options, weights):
        self.options, self.weights = options, weights


def convert(raw):
    if "conv.weight" not in raw:
        raise WeightsError(f"conv.weight is not in it, but {', '.join(sorted(raw))}")
    return {"kernel": raw["conv.weight"].transpose(2, 3, 1, 0)}


@hookimpl
def fspp_detectors():
    file = WeightFile(
        name="toy-net",
        urls=("https://example.org/files/toy-0a1b2c3d.pth",),
        sha256="0a1b2c3d",
        size=None,
        licence="MIT",
        source="a test",
        convert=f"{__name__}:convert",
    )
    return [
        ComponentSpec(name="toy", kind="detector", summary="Toy.", factory=f"{__name__}:Toy", weights=(file,)),
    ]
