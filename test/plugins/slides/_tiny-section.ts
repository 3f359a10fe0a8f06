import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll } from 'vitest';
import type { Dataset } from '../../../data/dataset.ts';
import { writeH5ad } from '../../../data/h5ad-write.ts';
import { testContext } from '../../kit/tiny-atlas.ts';

/** A folder of its own for a test file, gone afterwards. */
export function tinyFolder(): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'panelflow-slide-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (name) => join(folder, name);
}

/** A dense section of these genes, one spot for each place; count = 10 spot + gene number. */
export function tinySection(genes: readonly string[], xy: readonly (readonly [number, number])[], prefix = 'spot'): Dataset {
  const values = xy.flatMap((_, i) => genes.map((__, j) => 10 * i + j));
  return {
    X: { kind: 'dense', rows: xy.length, cols: genes.length, data: Float32Array.from(values) },
    scale: 'counts',
    layers: {},
    obs: { index: xy.map((_, i) => `${prefix}${i}`), columns: {} },
    var: { index: genes, columns: {} },
    obsm: { spatial: { kind: 'dense', rows: xy.length, cols: 2, data: Float32Array.from(xy.flat()) } },
    uns: {},
  };
}

/** Writes a section, and gives its path. */
export async function writeSection(path: string, data: Dataset): Promise<string> {
  await writeH5ad(path, data);
  return path;
}

/** Writes a picture in one colour. */
export async function writePicture(path: string, [width, height]: readonly [number, number]): Promise<string> {
  await sharp({ create: { width, height, channels: 3, background: '#c080c0' } }).toFile(path);
  return path;
}

/** Runs a slide step; `lines` gets what it says. */
export async function readSlides(step: any, params: object, lines: string[] = []): Promise<any> {
  return step.run(testContext({ log: (line) => void lines.push(line) }), {}, step.params.parse(params));
}
