import { type Random, rowRandom } from '@aibench/core';

/** Aspects of photographs, by how often they are drawn: most are 4:3 or 3:2, lying. */
const aspects = [4 / 3, 4 / 3, 4 / 3, 3 / 2, 3 / 4, 1] as const;

/** Cells of the coarsest grid of texture along the shorter side; each next grid has twice as many, at less contrast. */
const coarsestCells = 3;
const contrastRatio = 0.7;
/** Colours change more slowly than the light does. */
const grids = { light: 7, colour: 3 } as const;

/** How far noise moves a value, up or down. */
const noiseRange = 10;

/** The size of a drawn image whose shorter side is given. */
export function syntheticSize(seed: number, place: number, shorterSide: number) {
  const aspect = aspects[rowRandom(seed, place, sizeStream).integer(0, aspects.length - 1)]!;
  const longer = Math.floor(shorterSide * Math.max(aspect, 1 / aspect));
  return aspect < 1 ? { width: shorterSide, height: longer } : { width: longer, height: shorterSide };
}

/** Far from those of crops, which count up from 1. */
const sizeStream = -1;

/**
 * Draws an image with a photograph's statistics: smooth colours, texture whose contrast falls with its size, shapes
 * with hard edges, and noise of a sensor. The same seed, place and size give the same bytes on every machine.
 *
 * @returns R, G, B of 8 bits, row by row
 */
export function drawImage(
  seed: number,
  place: number,
  width: number,
  height: number,
): Uint8Array<ArrayBuffer> {
  const random = rowRandom(seed, place);
  const planes = Array.from({ length: 3 }, () => new Float32Array(width * height));
  paintTexture(random, planes, width, height);
  const shapes = random.integer(4, 12);
  for (let i = 0; i < shapes; i++) paintShape(random, planes, width, height);
  return develop(random, planes);
}

/** Sums of smooth random fields: one for the light, which all channels share, and a fainter one for each colour. */
function paintTexture(random: Random, planes: readonly Float32Array[], width: number, height: number): void {
  const light = new Float32Array(width * height);
  addFields(random, light, { width, height, contrast: 150, gridCount: grids.light });
  for (const plane of planes) {
    const level = 60 + 135 * random.uniform();
    addFields(random, plane, { width, height, contrast: 60, gridCount: grids.colour });
    for (let i = 0; i < plane.length; i++) plane[i] = plane[i]! + light[i]! + level;
  }
}

interface Fields {
  readonly width: number;
  readonly height: number;
  /** Of the coarsest field, between its lowest and its highest value. */
  readonly contrast: number;
  readonly gridCount: number;
}

function addFields(
  random: Random,
  plane: Float32Array,
  { width, height, contrast, gridCount }: Fields,
): void {
  let cells = coarsestCells;
  let range = contrast;
  for (let i = 0; i < gridCount; i++) {
    addField(random, plane, { width, height, cell: Math.min(width, height) / cells, range });
    cells *= 2;
    range *= contrastRatio;
  }
}

interface Field {
  readonly width: number;
  readonly height: number;
  /** Pixels from one corner of the grid to the next. */
  readonly cell: number;
  readonly range: number;
}

/** Adds random values at the corners of a grid, and between them what lies between them. */
function addField(random: Random, plane: Float32Array, { width, height, cell, range }: Field): void {
  const columns = Math.floor(width / cell) + 2;
  const rows = Math.floor(height / cell) + 2;
  const corners = Float32Array.from({ length: columns * rows }, () => (random.uniform() - 0.5) * range);
  // The corners' values along one line of pixels, then what lies between them.
  const along = new Float32Array(columns);
  const columnOf = Int32Array.from({ length: width }, (_, x) => Math.floor(x / cell));
  const shareOf = Float32Array.from({ length: width }, (_, x) => x / cell - Math.floor(x / cell));
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / cell);
    const down = y / cell - row;
    const start = row * columns;
    for (let i = 0; i < columns; i++) {
      const upper = corners[start + i]!;
      along[i] = upper + (corners[start + columns + i]! - upper) * down;
    }
    const line = y * width;
    for (let x = 0; x < width; x++) {
      const left = along[columnOf[x]!]!;
      plane[line + x]! += left + (along[columnOf[x]! + 1]! - left) * shareOf[x]!;
    }
  }
}

/** An ellipse or a rectangle of one colour over what is there, a little of which shines through as shading. */
function paintShape(random: Random, planes: readonly Float32Array[], width: number, height: number): void {
  const isEllipse = random.uniform() < 0.5;
  const centreX = random.uniform() * width;
  const centreY = random.uniform() * height;
  const side = Math.min(width, height);
  const radiusX = side * (0.05 + 0.3 * random.uniform());
  const radiusY = side * (0.05 + 0.3 * random.uniform());
  const colours = planes.map(() => 255 * random.uniform());
  const fromY = Math.max(0, Math.ceil(centreY - radiusY));
  const toY = Math.min(height - 1, Math.floor(centreY + radiusY));
  const fromX = Math.max(0, Math.ceil(centreX - radiusX));
  const toX = Math.min(width - 1, Math.floor(centreX + radiusX));
  for (let y = fromY; y <= toY; y++) {
    for (let x = fromX; x <= toX; x++) {
      const dx = (x - centreX) / radiusX;
      const dy = (y - centreY) / radiusY;
      if (isEllipse && dx * dx + dy * dy > 1) continue;
      const i = y * width + x;
      for (let c = 0; c < planes.length; c++) {
        const plane = planes[c]!;
        plane[i] = colours[c]! + (plane[i]! - colours[c]!) * 0.3;
      }
    }
  }
}

/** Noise, and what lies beyond black and white cut off. */
function develop(random: Random, planes: readonly Float32Array[]): Uint8Array<ArrayBuffer> {
  const [red, green, blue] = planes as [Float32Array, Float32Array, Float32Array];
  const bytes = new Uint8Array(red.length * 3);
  const clamped = new Uint8ClampedArray(bytes.buffer);
  for (let i = 0; i < red.length; i++) {
    // One number of 24 bits, of which each channel takes others.
    const bits = random.uniform() * 0x1_00_00_00;
    clamped[i * 3] = red[i]! + ((bits & 0xff) / 127.5 - 1) * noiseRange;
    clamped[i * 3 + 1] = green[i]! + (((bits >>> 8) & 0xff) / 127.5 - 1) * noiseRange;
    clamped[i * 3 + 2] = blue[i]! + ((bits >>> 16) / 127.5 - 1) * noiseRange;
  }
  return bytes;
}
