"""Renders the sample picture: five lines of printed text. Usage: page.py OUT.png OUT.json"""

import json
import sys

from PIL import Image, ImageDraw, ImageFont

DEJAVU = "/usr/share/fonts/truetype/dejavu/"
FONTS = {
    "sans": [(DEJAVU + "DejaVuSans.ttf", 0)],
    "bold": [(DEJAVU + "DejaVuSans-Bold.ttf", 0)],
    "serif": [(DEJAVU + "DejaVuSerif.ttf", 0)],
    "chinese": [
        ("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc", 0),
        ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 2),
    ],
}

# (font, size in pixels, left, baseline, ink, text)
LINES = [
    ("bold", 46, 64, 110, (24, 52, 88), "KINGLET READS TEXT"),
    ("sans", 34, 66, 190, (30, 30, 30), "Order No. 40718-5926, total: $317.64"),
    ("serif", 34, 64, 262, (30, 30, 30), "Regulus regulus (5.7 g) sings high & clear!"),
    ("chinese", 38, 66, 344, (30, 30, 30), "模型在您的浏览器中运行，数据不离开本机。"),
    ("chinese", 38, 66, 424, (140, 40, 30), "识别中文、英文和数字：2026年11月23日"),
]
SIZE = (960, 490)
PAPER = (250, 248, 242)


def load(name, size):
    for path, index in FONTS[name]:
        try:
            return ImageFont.truetype(path, size, index=index)
        except OSError:
            continue
    sys.exit("No font for %s. Install fonts-dejavu-core and fonts-wqy-zenhei." % name)


def main(picture, words):
    image = Image.new("RGB", SIZE, PAPER)
    draw = ImageDraw.Draw(image)
    for font, size, left, baseline, ink, text in LINES:
        draw.text((left, baseline), text, font=load(font, size), fill=ink, anchor="ls")
    draw.line([(64, 132), (896, 132)], fill=(190, 180, 160), width=2)
    image.save(picture, optimize=True)
    with open(words, "w", encoding="utf-8") as out:
        json.dump({"lines": [line[-1] for line in LINES]}, out, ensure_ascii=False, indent=2)
        out.write("\n")


main(sys.argv[1], sys.argv[2])
