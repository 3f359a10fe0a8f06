import { basename } from 'node:path';
import { ConfigError, DataError } from '../core/errors.ts';
import { type Column, type Dataset, takeFrame } from './dataset.ts';
import { type CsrMatrix, forEachNonZero, type Matrix } from './matrix.ts';
import { tidyRows } from './source.ts';
import type { Places } from './spots.ts';

/** One section as its file holds it. */
export interface SectionData {
  readonly name: string;
  readonly data: Dataset;
  /** In pixels of the section's own picture. */
  readonly places: Places;
}

/** Names of sections: those given, else of the files without their endings; ConfigError when two are the same. */
export function sectionNames(sections: readonly { readonly name?: string | undefined }[], files: readonly string[]): string[] {
  const names = sections.map((s, i) => s.name ?? basename(files[i]).replace(/\.[^.]+$/, ''));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return names;
  throw new ConfigError(`Two sections are called "${twice}"`, { context: { section: twice }, mend: 'Give each a `name` of its own.' });
}

/**
 * One dataset of all sections, in their order: genes common to all (in the order of the first), `obsm.spatial`, the obs column `section`,
 * and every obs column of any section, with missing values where a section lacks it. Spot names get `section:` in front where a name stands
 * in two sections. Layer `counts` stays where all have it. DataError without common genes, or where values are of different kinds.
 */
export function joinSections(sections: readonly SectionData[]): { readonly data: Dataset; readonly genesLeftOut: number } {
  const [first] = sections;
  const other = sections.find((s) => s.data.scale !== first.data.scale);
  if (other) {
    throw new DataError('The sections hold values of different kinds', {
      context: { [first.name]: first.data.scale, [other.name]: other.data.scale },
      mend: 'Read the same matrix of each, best raw counts.',
    });
  }
  const genes = commonGenes(sections);
  const at = new Map(genes.map((name, j) => [name, j]));
  const maps = sections.map((s) => Int32Array.from(s.data.var.index, (name) => at.get(name) ?? -1));
  const stackAll = (pick: (data: Dataset) => Matrix): CsrMatrix =>
    stack(
      sections.map((s) => pick(s.data)),
      maps,
      genes.length,
    );
  const hasCounts = sections.every((s) => s.data.layers.counts !== undefined);
  const all = new Set(sections.flatMap((s) => [...s.data.var.index]));
  const kept = first.data.var.index.flatMap((name, j) => (at.has(name) ? [j] : []));
  const data: Dataset = {
    X: stackAll((d) => d.X),
    scale: first.data.scale,
    layers: hasCounts ? { counts: stackAll((d) => d.layers.counts) } : {},
    obs: { index: spotNames(sections), columns: joinColumns(sections) },
    var: takeFrame(first.data.var, kept),
    obsm: { spatial: joinPlaces(sections) },
    uns: sections.length === 1 ? first.data.uns : {},
  };
  return { data, genesLeftOut: all.size - genes.length };
}

function commonGenes(sections: readonly SectionData[]): string[] {
  let common = sections[0].data.var.index;
  for (const { name, data } of sections.slice(1)) {
    const there = new Set(data.var.index);
    const left = common.filter((gene) => there.has(gene));
    if (left.length === 0) {
      throw new DataError('The sections have no gene in common', {
        context: { sections: `${sections[0].name} ... ${name}`, gene_of_first: common[0], gene_of_last: data.var.index[0] },
        mend: 'All need the same kind of gene names (symbols or Ensembl ids) of the same species.',
      });
    }
    common = left;
  }
  return [...common];
}

function spotNames(sections: readonly SectionData[]): string[] {
  const plain = sections.flatMap((s) => [...s.data.obs.index]);
  if (new Set(plain).size === plain.length) return plain;
  return sections.flatMap((s) => s.data.obs.index.map((name) => `${s.name}:${name}`));
}

function joinPlaces(sections: readonly SectionData[]): Places {
  const rows = sections.reduce((n, s) => n + s.places.rows, 0);
  const data = new Float32Array(2 * rows);
  let at = 0;
  for (const { places } of sections) {
    data.set(places.data, at);
    at += places.data.length;
  }
  return { kind: 'dense', rows, cols: 2, data };
}

/** Matrices one under the other; `maps` give each column's new number, -1 to leave it out. */
function stack(matrices: readonly Matrix[], maps: readonly Int32Array[], cols: number): CsrMatrix {
  const rows = matrices.reduce((n, m) => n + m.rows, 0);
  const indptr = new Uint32Array(rows + 1);
  let first = 0;
  matrices.forEach((matrix, s) => {
    forEachNonZero(matrix, (i, j) => {
      if (maps[s][j] >= 0) indptr[first + i + 1]++;
    });
    first += matrix.rows;
  });
  for (let i = 0; i < rows; i++) indptr[i + 1] += indptr[i];
  const indices = new Uint32Array(indptr[rows]);
  const data = new Float32Array(indptr[rows]);
  let at = 0;
  matrices.forEach((matrix, s) =>
    forEachNonZero(matrix, (_, j, value) => {
      if (maps[s][j] < 0) return;
      indices[at] = maps[s][j];
      data[at++] = value;
    }),
  );
  return tidyRows({ kind: 'csr', rows, cols, indptr, indices, data }, 'sections');
}

function joinColumns(sections: readonly SectionData[]): Record<string, Column> {
  const names = new Set(sections.flatMap((s) => Object.keys(s.data.obs.columns)));
  const columns: Record<string, Column> = {};
  for (const name of names) columns[name] = joinColumn(sections, name);
  const codes = sections.flatMap((s, code) => Array.from(s.data.obs.index, () => code));
  columns.section = { kind: 'category', codes: Int32Array.from(codes), categories: sections.map((s) => s.name) };
  return columns;
}

/** Numbers where all are numbers, text where all are text, else categories in rising order. */
function joinColumn(sections: readonly SectionData[], name: string): Column {
  const parts = sections.map((s) => ({ column: s.data.obs.columns[name] as Column | undefined, rows: s.data.obs.index.length }));
  const isAll = (kind: Column['kind']): boolean => parts.every(({ column }) => column === undefined || column.kind === kind);
  if (isAll('number')) {
    const values = parts.flatMap(({ column, rows }) =>
      column?.kind === 'number' ? Array.from(column.values) : Array.from({ length: rows }, () => Number.NaN),
    );
    return { kind: 'number', values: Float64Array.from(values) };
  }
  const words = parts.flatMap(({ column, rows }) => (column ? wordsOf(column) : Array.from({ length: rows }, () => null)));
  if (isAll('string')) return { kind: 'string', values: words };
  const categories = [...new Set(words.filter((w) => w !== null))].sort();
  const code = new Map(categories.map((w, i) => [w, i]));
  return { kind: 'category', codes: Int32Array.from(words, (w) => (w === null ? -1 : code.get(w)!)), categories };
}

function wordsOf(c: Column): (string | null)[] {
  if (c.kind === 'category') return Array.from(c.codes, (code) => (code < 0 ? null : c.categories[code]));
  return c.kind === 'string' ? [...c.values] : Array.from(c.values, (v) => (Number.isNaN(v) ? null : String(v)));
}
