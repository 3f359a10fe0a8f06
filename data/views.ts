/** Numbers of views of a square: as it is; mirrored too; its four right-angle turns; turns of it and of its mirror image (the dihedral group). */
export type ViewCount = 1 | 2 | 4 | 8;

/** Turn (in quarters, clockwise) and mirroring (left-right, before the turn) of each view; the first is the square as it is. */
const VIEWS: Readonly<Record<ViewCount, readonly { readonly turn: number; readonly mirror: boolean }[]>> = {
  1: [{ turn: 0, mirror: false }],
  2: [false, true].map((mirror) => ({ turn: 0, mirror })),
  4: [0, 1, 2, 3].map((turn) => ({ turn, mirror: false })),
  8: [false, true].flatMap((mirror) => [0, 1, 2, 3].map((turn) => ({ turn, mirror }))),
};

/** For each view, the squares (each size x size x 3 bytes, one after the other) seen so. */
export function* viewsOf(pixels: Uint8Array, size: number, count: ViewCount): Generator<Uint8Array> {
  for (const { turn, mirror } of VIEWS[count]) yield turn === 0 && !mirror ? pixels : moved(pixels, sources(size, turn, mirror));
}

/** For each pixel of the view, the pixel of the square that it shows. */
function sources(size: number, turn: number, mirror: boolean): Uint32Array {
  const last = size - 1;
  return Uint32Array.from({ length: size * size }, (_, at) => {
    let [y, x] = [Math.floor(at / size), at % size];
    for (let t = 0; t < turn; t++) [y, x] = [last - x, y];
    return y * size + (mirror ? last - x : x);
  });
}

function moved(pixels: Uint8Array, from: Uint32Array): Uint8Array {
  const out = new Uint8Array(pixels.length);
  const bytes = from.length * 3;
  for (let start = 0; start < pixels.length; start += bytes) {
    for (let p = 0; p < from.length; p++) {
      const at = start + 3 * p;
      const source = start + 3 * from[p];
      out[at] = pixels[source];
      out[at + 1] = pixels[source + 1];
      out[at + 2] = pixels[source + 2];
    }
  }
  return out;
}
