"""Say in the output itself that it is synthetic: the IPTC digital source type, in XMP and in plain words."""

from __future__ import annotations

from xml.sax.saxutils import escape

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's name for a composite in which elements were made by a trained model."""

XMP_KEYWORD = "XML:com.adobe.xmp"
"""Where readers look for XMP in a PNG."""


def synthetic_metadata(software: str) -> dict[str, str]:
    """Metadata for `open_writer`: container tags of a video, texts of a PNG.

    Args:
        software: name and version of what made it.
    """
    return {
        "comment": f"Synthetic media: faces were swapped by a trained model. DigitalSourceType: {DIGITAL_SOURCE_TYPE}",
        "Software": software,
        "DigitalSourceType": DIGITAL_SOURCE_TYPE,
        XMP_KEYWORD: xmp_packet(software),
    }


def xmp_packet(software: str) -> str:
    """An XMP packet that holds the digital source type and the software."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
        f"<xmp:CreatorTool>{escape(software)}</xmp:CreatorTool>"
        f"<Iptc4xmpExt:DigitalSourceType>{escape(DIGITAL_SOURCE_TYPE)}</Iptc4xmpExt:DigitalSourceType>"
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="w"?>'
    )
