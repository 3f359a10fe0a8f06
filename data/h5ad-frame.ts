import { DataError } from '../core/errors.ts';
import type { Column, Frame } from './dataset.ts';
import {
  attribute,
  dataset,
  group,
  guard,
  type H5Dataset,
  type H5Group,
  isGroup,
  isReadable,
  isText,
  numbers,
  plain,
  valuesOf,
  wordAttribute,
  words,
} from './hdf5.ts';

/** What a frame needs to know of its file. */
export interface FrameSource {
  readonly file: string;
  /** 'obs', 'var' or 'raw/var'. */
  readonly part: string;
  /** Columns to read; default all. */
  readonly columns?: readonly string[];
  /** Category names that old files keep in uns/<column>_categories. */
  readonly categories?: (column: string) => readonly string[] | undefined;
}

/** Reads obs or var in every layout from anndata 0.5 (compound dataset) to the current one (group of columns). */
export function readFrame(node: H5Group | H5Dataset, source: FrameSource): Frame {
  return guard(source.file, () => (isGroup(node) ? readGroup(node, source) : readCompound(node, source)), source.part);
}

function readGroup(at: H5Group, source: FrameSource): Frame {
  const indexName = wordAttribute(at, '_index') || '_index';
  const index = dataset(at, indexName) ?? dataset(at, 'index');
  if (!index) throw new DataError(`${source.part} has no index (names)`, { context: { file: source.file, part: source.part } });
  const order = attribute(at, 'column-order');
  const listed = Array.isArray(order) ? order.map(String) : [];
  const names = listed.length > 0 ? listed : at.keys().filter((k) => k !== indexName && k !== '__categories');
  const columns: Record<string, Column> = {};
  for (const name of names) {
    if (source.columns && !source.columns.includes(name)) continue;
    const column = readColumn(at, name, source);
    if (column) columns[name] = column;
  }
  return { index: words(index), columns };
}

/** One column of a group, or undefined for a kind that has no place in a frame. */
function readColumn(at: H5Group, name: string, source: FrameSource): Column | undefined {
  const inner = group(at, name);
  if (inner) return readEncoded(inner);
  const found = dataset(at, name);
  if (!found || (found.shape?.length ?? 0) !== 1) return undefined;
  const legacy = group(at, '__categories');
  const names = (legacy && dataset(legacy, name)) ?? undefined;
  if (names) return category(numbers(found), words(names));
  if (isText(found)) return { kind: 'string', values: words(found) };
  if (found.metadata.enum_type) return truth(numbers(found));
  const known = Number.isInteger(found.metadata.size) && isWhole(found) ? source.categories?.(name) : undefined;
  if (known) return category(numbers(found), known);
  return isNumeric(found) ? { kind: 'number', values: numbers(found) } : undefined;
}

function isWhole(of: H5Dataset): boolean {
  return of.metadata.type === 0;
}

function isNumeric(of: H5Dataset): boolean {
  return of.metadata.type === 0 || of.metadata.type === 1;
}

/** categorical, nullable-integer, nullable-boolean, nullable-string-array. */
function readEncoded(at: H5Group): Column | undefined {
  const kind = wordAttribute(at, 'encoding-type');
  const codes = dataset(at, 'codes');
  const categories = dataset(at, 'categories') ?? group(at, 'categories');
  if (codes && categories) return category(numbers(codes), categoryNames(categories));
  const values = dataset(at, 'values');
  const mask = dataset(at, 'mask');
  if (!values || !mask || !kind.startsWith('nullable')) return undefined;
  const missing = numbers(mask);
  if (isText(values)) return { kind: 'string', values: words(values).map((w, i) => (missing[i] ? null : w)) };
  const held = numbers(values);
  if (kind === 'nullable-boolean')
    return category(
      held.map((v, i) => (missing[i] ? -1 : v ? 1 : 0)),
      ['False', 'True'],
    );
  return { kind: 'number', values: held.map((v, i) => (missing[i] ? Number.NaN : v)) };
}

function categoryNames(node: H5Dataset | H5Group): readonly string[] {
  if (!isGroup(node)) return node.metadata.enum_type ? truthNames(numbers(node)) : words(node);
  const values = dataset(node, 'values');
  return values ? words(values) : [];
}

const truthNames = (values: Float64Array): string[] => Array.from(values, (v) => (v ? 'True' : 'False'));

function category(codes: Float64Array, categories: readonly string[]): Column {
  return { kind: 'category', codes: Int32Array.from(codes, (c) => (c >= 0 && c < categories.length ? c : -1)), categories };
}

/** Booleans become the categories False and True, so that they can be a task. */
function truth(values: Float64Array): Column {
  return category(values, ['False', 'True']);
}

/** anndata up to 0.6: the whole frame is one dataset of records, category codes are small whole numbers. */
function readCompound(from: H5Dataset, source: FrameSource): Frame {
  const members = from.metadata.compound_type?.members;
  if (!members) throw new DataError(`${source.part} is neither a table nor a group`, { context: { file: source.file, part: source.part } });
  const records = (valuesOf(from) ?? []) as unknown[][];
  const indexAt = Math.max(
    0,
    members.findIndex((m) => m.name === 'index' || m.name === '_index'),
  );
  const columns: Record<string, Column> = {};
  members.forEach((member, at) => {
    if (at === indexAt || (source.columns && !source.columns.includes(member.name))) return;
    const values = records.map((r) => r[at]);
    const known = member.type === 0 ? source.categories?.(member.name) : undefined;
    if (member.type === 3) columns[member.name] = { kind: 'string', values: values.map(String) };
    else if (member.type === 8) columns[member.name] = truth(Float64Array.from(values, Number));
    else if (known) columns[member.name] = category(Float64Array.from(values, Number), known);
    else if (member.type === 0 || member.type === 1) columns[member.name] = { kind: 'number', values: Float64Array.from(values, Number) };
  });
  return { index: records.map((r) => String(r[indexAt])), columns };
}

/** Largest array that is kept of uns: the rest is for other tools. */
const UNS_ARRAY = 10_000;
/** So many groups are looked into, and so deep: by links, a group can hold itself. */
const UNS_MOST = { groups: 1_000, depth: 10 };

/** uns as JSON: words, numbers, truth values and lists of them; matrices, tables and long lists are left out. */
export function readUns(at: H5Group, file: string, left = { ...UNS_MOST }): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const name of at.keys()) {
    const inner = group(at, name);
    if (inner) {
      const kind = attribute(inner, 'encoding-type') ?? attribute(inner, 'h5sparse_format') ?? 'dict';
      if (kind !== 'dict' || left.depth === 0 || left.groups-- <= 0) continue;
      left.depth--;
      out[name] = readUns(inner, file, left);
      left.depth++;
      continue;
    }
    const found = dataset(at, name);
    if (!found || (found.shape?.length ?? 0) > 1 || (found.shape?.[0] ?? 1) > UNS_ARRAY || found.metadata.type === 6 || !isReadable(found))
      continue;
    const value = guard(file, () => plain(found.value), `uns/${name}`);
    out[name] = found.metadata.enum_type ? (Array.isArray(value) ? value.map(Boolean) : Boolean(value)) : value;
  }
  return out;
}
