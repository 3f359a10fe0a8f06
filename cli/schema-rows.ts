/** What is read of a JSON Schema here; the schemas are our own, made by zod and by params-schema.ts. */
export type Schema = {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
};

/** One key of a file, or one param of a step. */
export interface SchemaRow {
  /** With the keys above it: `hvg.top`. */
  readonly name: string;
  readonly type: string;
  /** As JSON; `needed`, or `-` where it may be left out. */
  readonly initial: string;
  readonly text: string;
}

/** A choice of a step: a name, or a map with `uses`. */
const isUse = (s: Schema): boolean => s.anyOf?.some((one) => one.properties?.uses?.const !== undefined) ?? false;

/** The type in words, such as `list of string | number`. */
function typeOf(s: Schema): string {
  if (isUse(s)) return 'a step: its name, or { uses, as, with }';
  if (s.enum) return s.enum.map((v) => JSON.stringify(v)).join(' | ');
  if (s.const !== undefined) return JSON.stringify(s.const);
  const oneOf = s.anyOf ?? s.oneOf;
  if (oneOf) return [...new Set(oneOf.map(typeOf))].join(' | ');
  if (s.type === 'array') return `list of ${s.items ? typeOf(s.items) : 'anything'}`;
  return [s.type ?? 'anything'].flat().join(' | ').replace('object', 'map');
}

/** The keys of a map that has names of its own, also of one that may be written in another way. */
const mapOf = (s: Schema): Schema | undefined => (isUse(s) ? undefined : [s, ...(s.anyOf ?? [])].find((one) => one.properties));

/** Every key that the schema of a map knows, each below the one that holds it. */
export function schemaRows(schema: Schema, depth = 0, above = ''): SchemaRow[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, s]) => {
    const needed = schema.required?.includes(key) ? 'needed' : '-';
    const row = {
      name: above + key,
      type: typeOf(s),
      initial: s.default === undefined ? needed : JSON.stringify(s.default),
      text: s.description ?? '',
    };
    const below = depth > 0 ? mapOf(s) : undefined;
    return [row, ...(below ? schemaRows(below, depth - 1, `${row.name}.`) : [])];
  });
}

/** The same as a table in Markdown. */
export function markdownRows(rows: readonly SchemaRow[], first: string): string[] {
  const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  return [
    `| ${first} | type | default | |`,
    '|---|---|---|---|',
    ...rows.map((r) => `| \`${r.name}\` | ${cell(r.type)} | ${cell(r.initial)} | ${cell(r.text)} |`),
  ];
}
