#!/usr/bin/env python3
"""Makes assets/fonts/documents.otf: the characters that documents need, out of Noto Serif CJK SC.

Needs Debian's fonts-noto-cjk and unicode-data, and fonttools from PyPI:

    python3 scripts/subset-font.py /usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc assets/fonts/documents.otf

Kept are the 8,105 characters of the table of general standard characters (通用规范汉字表), GB 2312, the common half of
Big5 for traditional names, and Latin, punctuation and full-width forms.
"""

import bz2
import re
import sys

from fontTools import subset
from fontTools.ttLib import TTCollection

UNIHAN = "/usr/share/unicode/Unihan_OtherMappings.txt.bz2"
RANGES = [(0x20, 0x7E), (0xA0, 0xFF), (0x2010, 0x2027), (0x2030, 0x203B), (0x2150, 0x218B), (0x2190, 0x2199),
          (0x2460, 0x249B), (0x25A0, 0x25CF), (0x3000, 0x3017), (0x3220, 0x3229), (0xFF01, 0xFF5E), (0xFFE0, 0xFFE5),
          (0x2103, 0x2103), (0x2116, 0x2116), (0x2713, 0x2713)]


def characters():
    kept = {code for low, high in RANGES for code in range(low, high + 1)}
    with bz2.open(UNIHAN, "rt", encoding="utf-8") as lines:
        for line in lines:
            found = re.match(r"U\+([0-9A-F]+)\t(\w+)\t(\S+)", line)
            if not found:
                continue
            code, name, value = int(found[1], 16), found[2], found[3]
            common_traditional = name == "kBigFive" and "A440" <= value <= "C67E"
            if name in ("kTGH", "kGB0") or common_traditional:
                kept.add(code)
    return kept


def main(source, target):
    fonts = TTCollection(source).fonts
    font = next(font for font in fonts if font["name"].getDebugName(1) == "Noto Serif CJK SC")
    options = subset.Options(layout_features=[], name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14], notdef_outline=True,
                             hinting=False, desubroutinize=False, drop_tables=["vhea", "vmtx", "VORG", "BASE", "GPOS", "GSUB", "GDEF"])
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters())
    subsetter.subset(font)
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    font.save(target)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
