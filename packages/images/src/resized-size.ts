/** Width and height in pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** The size with its shorter side as given and its aspect kept; the longer side is rounded down, as OpenCV's users do it. */
export function resizedSize({ width, height }: ImageSize, shorterSide: number): ImageSize {
  // Multiplied before it is divided: the quotient of two whole numbers is then rounded once.
  const longer = Math.floor((Math.max(width, height) * shorterSide) / Math.min(width, height));
  return width < height ? { width: shorterSide, height: longer } : { width: longer, height: shorterSide };
}
