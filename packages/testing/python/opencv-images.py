"""Decodes images with OpenCV and resizes them: the shorter side to a given number of pixels, by area interpolation.

    opencv-images.py SIDE FOLDER IMAGE...

Writes FOLDER/<image's name>.rgb, R, G, B of 8 bits, row by row, and prints a line of JSON for each image:
{"name": ..., "width": ..., "height": ..., "resized": whether it was}; "width": 0 where OpenCV cannot read it.
"""
import json
import os
import sys

import cv2

side = int(sys.argv[1])
folder = sys.argv[2]
for path in sys.argv[3:]:
    name = os.path.basename(path)
    image = cv2.imread(path, cv2.IMREAD_COLOR)
    if image is None:
        print(json.dumps({"name": name, "width": 0, "height": 0, "resized": False}))
        continue
    height, width = image.shape[:2]
    shorter = min(width, height)
    size = (width * side // shorter, height * side // shorter)
    resized = size != (width, height)
    if resized:
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    cv2.cvtColor(image, cv2.COLOR_BGR2RGB).tofile(os.path.join(folder, name + ".rgb"))
    print(json.dumps({"name": name, "width": size[0], "height": size[1], "resized": resized}))
