import { ConfigError } from './errors.ts';
import { nearest } from './nearest.ts';

/**
 * The expressions of `${{ }}`: total (every one ends), typed (a wrong type is an error, never a coercion) and pure (no code, no I/O).
 * Literals, lists, `params.x.y`, `axis.x`, `run.name`, == != < <= > >= && || ! + - * / %, `a ? b : c`, and the functions below.
 */
export type Node =
  | { readonly op: 'literal'; readonly value: unknown }
  | { readonly op: 'list'; readonly items: readonly Node[] }
  | { readonly op: 'name'; readonly path: readonly string[] }
  | { readonly op: 'call'; readonly name: string; readonly args: readonly Node[] }
  | { readonly op: 'unary' | 'binary' | 'choice'; readonly sign: string; readonly args: readonly Node[] };

export interface Scope {
  /** Root names: params, axis and run. */
  readonly names: Readonly<Record<string, unknown>>;
  /** Whether the definition named by `uses` has a trait. */
  readonly has: (uses: string, trait: string) => boolean;
  /** What the definition named by `uses` says of itself. */
  readonly about: (uses: string) => { readonly summary: string; readonly cites: readonly string[] };
}

const fail = (message: string, mend?: string): never => {
  throw new ConfigError(message, mend === undefined ? {} : { mend });
};
const typeName = (v: unknown): string =>
  v === null || v === undefined ? 'nothing' : Array.isArray(v) ? 'a list' : typeof v === 'object' ? 'a map' : `a ${typeof v}`;
const list = (v: unknown, name: string): unknown[] => (Array.isArray(v) ? v : fail(`${name} wants a list, and got ${typeName(v)}`));
const num = (v: unknown, name: string): number => (typeof v === 'number' ? v : fail(`${name} wants a number, and got ${typeName(v)}`));
const text = (v: unknown, name: string): string => (typeof v === 'string' ? v : fail(`${name} wants a string, and got ${typeName(v)}`));
const bool = (v: unknown, name: string): boolean =>
  typeof v === 'boolean' ? v : fail(`${name} wants true or false, and got ${typeName(v)}`);

const FUNCTIONS: Readonly<Record<string, { readonly args: string; readonly run: (args: unknown[], scope: Scope) => unknown }>> = {
  defined: { args: 'value', run: ([v]) => v !== undefined && v !== null },
  length: { args: 'list', run: ([v]) => (typeof v === 'string' ? v.length : list(v, 'length').length) },
  contains: { args: 'list, value', run: ([v, x]) => list(v, 'contains').includes(x) },
  min: { args: 'list', run: ([v]) => list(v, 'min').reduce<number>((least, x) => Math.min(least, num(x, 'min')), Infinity) },
  max: { args: 'list', run: ([v]) => list(v, 'max').reduce<number>((most, x) => Math.max(most, num(x, 'max')), -Infinity) },
  upto: { args: 'list, most', run: ([v, most]) => list(v, 'upto').filter((x) => num(x, 'upto') <= num(most, 'upto')) },
  range: { args: 'from, to', run: ([a, b]) => range(num(a, 'range'), num(b, 'range')) },
  concat: { args: 'list, list', run: ([a, b]) => [...list(a, 'concat'), ...list(b, 'concat')] },
  about: { args: 'list of uses', run: ([v], scope) => list(v, 'about').map((use) => described(use, scope)) },
  has: { args: 'uses, trait', run: ([uses, trait], scope) => scope.has(text(uses, 'has'), text(trait, 'has')) },
};

/** Name, summary and citations of a step chosen in a param. */
function described(use: unknown, scope: Scope): unknown {
  const { uses, as } = (use ?? {}) as { uses?: unknown; as?: unknown };
  return { id: text(as, 'about'), ...scope.about(text(uses, 'about')) };
}

function range(from: number, to: number): number[] {
  if (!Number.isInteger(from) || !Number.isInteger(to) || to - from > 100_000)
    fail(`range(${from}, ${to}) wants whole numbers at most 100,000 apart`);
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}

const TOKEN =
  /\s*(?:(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|'([^']*)'|"([^"]*)"|([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)|(==|!=|<=|>=|&&|\|\||[<>!+\-*/%?:(),[\]]))/y;

interface Token {
  readonly kind: 'number' | 'string' | 'name' | 'sign' | 'end';
  readonly text: string;
}

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  while (source.slice(at).trim() !== '') {
    TOKEN.lastIndex = at;
    const m = TOKEN.exec(source);
    if (!m) return fail(`"${source.slice(at).trim()[0]}" is not understood in the expression "${source.trim()}"`);
    at = TOKEN.lastIndex;
    if (m[1] !== undefined) tokens.push({ kind: 'number', text: m[1] });
    else if (m[2] !== undefined || m[3] !== undefined) tokens.push({ kind: 'string', text: m[2] ?? m[3] });
    else if (m[4] !== undefined) tokens.push({ kind: 'name', text: m[4] });
    else tokens.push({ kind: 'sign', text: m[5] });
  }
  return [...tokens, { kind: 'end', text: 'the end' }];
}

const STRENGTH: Readonly<Record<string, number>> = {
  '||': 1,
  '&&': 2,
  '==': 3,
  '!=': 3,
  '<': 4,
  '<=': 4,
  '>': 4,
  '>=': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '%': 6,
};
const LITERALS: Readonly<Record<string, unknown>> = { true: true, false: false, null: null };

/** Longer than any that a person writes; parsing and evaluating go no deeper than this. */
const MOST_CHARACTERS = 1_000;

/** Parses the inside of one `${{ }}`. */
export function parse(source: string): Node {
  if (source.length > MOST_CHARACTERS)
    fail(
      `The expression "${source.trim().slice(0, 40)}…" is longer than ${MOST_CHARACTERS} characters`,
      'Split it over several axes or params.',
    );
  const tokens = tokenize(source);
  let at = 0;
  const peek = (): string => (tokens[at].kind === 'sign' ? tokens[at].text : '');
  const take = (sign: string): void => {
    if (peek() !== sign) fail(`Expected "${sign}" before ${JSON.stringify(tokens[at].text)} in the expression "${source.trim()}"`);
    at++;
  };
  const series = (end: string): Node[] => {
    const items: Node[] = [];
    while (peek() !== end) {
      items.push(choice());
      if (peek() !== end) take(',');
    }
    take(end);
    return items;
  };
  const primary = (): Node => {
    const token = tokens[at++];
    if (token.kind === 'number') return { op: 'literal', value: Number(token.text) };
    if (token.kind === 'string') return { op: 'literal', value: token.text };
    if (token.kind === 'name') {
      if (peek() === '(') return (at++, { op: 'call', name: token.text, args: series(')') });
      return Object.hasOwn(LITERALS, token.text)
        ? { op: 'literal', value: LITERALS[token.text] }
        : { op: 'name', path: token.text.split('.') };
    }
    if (token.text === '[') return { op: 'list', items: series(']') };
    if (token.text === '!' || token.text === '-') return { op: 'unary', sign: token.text, args: [primary()] };
    if (token.text !== '(') return fail(`"${token.text}" is not expected there in the expression "${source.trim()}"`);
    const inner = choice();
    take(')');
    return inner;
  };
  const binary = (least: number): Node => {
    let left = primary();
    for (let strength = STRENGTH[peek()]; strength !== undefined && strength >= least; strength = STRENGTH[peek()]) {
      const sign = tokens[at++].text;
      left = { op: 'binary', sign, args: [left, binary(strength + 1)] };
    }
    return left;
  };
  const choice = (): Node => {
    const condition = binary(1);
    if (peek() !== '?') return condition;
    at++;
    const yes = choice();
    take(':');
    return { op: 'choice', sign: '?', args: [condition, yes, choice()] };
  };
  const root = choice();
  if (tokens[at].kind !== 'end') fail(`"${tokens[at].text}" is not expected there in the expression "${source.trim()}"`);
  return root;
}

/** The value of an expression. Unknown names and wrong types are ConfigErrors; a missing key of a known map is nothing (null). */
export function evaluate(node: Node, scope: Scope): unknown {
  switch (node.op) {
    case 'literal':
      return node.value;
    case 'list':
      return node.items.map((item) => evaluate(item, scope));
    case 'name':
      return lookUp(node.path, scope);
    case 'call': {
      const f = Object.hasOwn(FUNCTIONS, node.name) ? FUNCTIONS[node.name] : undefined;
      if (!f) return fail(`There is no function "${node.name}"`, suggestion(node.name, Object.keys(FUNCTIONS)));
      if (node.args.length !== f.args.split(',').length) fail(`${node.name}(${f.args}) was given ${node.args.length} values`);
      return f.run(
        node.args.map((a) => evaluate(a, scope)),
        scope,
      );
    }
    case 'unary': {
      const v = evaluate(node.args[0], scope);
      return node.sign === '!' ? !bool(v, '!') : -num(v, '-');
    }
    case 'choice':
      return bool(evaluate(node.args[0], scope), '?') ? evaluate(node.args[1], scope) : evaluate(node.args[2], scope);
    case 'binary':
      return operate(node.sign, node.args, scope);
  }
}

function operate(sign: string, args: readonly Node[], scope: Scope): unknown {
  const a = evaluate(args[0], scope);
  if (sign === '&&') return bool(a, '&&') && bool(evaluate(args[1], scope), '&&');
  if (sign === '||') return bool(a, '||') || bool(evaluate(args[1], scope), '||');
  const b = evaluate(args[1], scope);
  if (sign === '==') return (a ?? null) === (b ?? null);
  if (sign === '!=') return (a ?? null) !== (b ?? null);
  if (sign === '+' && typeof a === 'string' && typeof b === 'string') return a + b;
  const x = num(a, sign);
  const y = num(b, sign);
  if ((sign === '/' || sign === '%') && y === 0) fail(`${x} ${sign} 0 has no value`);
  const results: Record<string, () => unknown> = {
    '<': () => x < y,
    '<=': () => x <= y,
    '>': () => x > y,
    '>=': () => x >= y,
    '+': () => x + y,
    '-': () => x - y,
    '*': () => x * y,
    '/': () => x / y,
    '%': () => x % y,
  };
  return results[sign]();
}

function lookUp(path: readonly string[], scope: Scope): unknown {
  let value: unknown = scope.names;
  for (const [i, key] of path.entries()) {
    if (value === null || value === undefined) return null;
    if (typeof value !== 'object' || Array.isArray(value))
      return fail(`${path.slice(0, i).join('.')} is ${typeName(value)} and has no "${key}"`);
    const known = Object.keys(value);
    if (i < 2 && !Object.hasOwn(value, key)) return fail(`There is no ${path.slice(0, i + 1).join('.')}`, suggestion(key, known));
    value = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : null;
  }
  return value;
}

const suggestion = (word: string, known: string[]): string => {
  const near = nearest(word, known);
  return near ? `Did you mean "${near}"?` : `Known: ${known.join(', ')}.`;
};

/** The names of axes that an expression looks at. */
export function axesOf(node: Node): string[] {
  if (node.op === 'name') return node.path[0] === 'axis' && node.path.length > 1 ? [node.path[1]] : [];
  if (node.op === 'literal') return [];
  return (node.op === 'list' ? node.items : node.args).flatMap(axesOf);
}

/** A YAML value with its expressions parsed: evaluate it in a scope, or ask which axes it depends on. */
export interface Template {
  readonly axes: readonly string[];
  evaluate(scope: Scope): unknown;
}

const WHOLE = /^\s*\$\{\{((?:(?!\}\}).)*)\}\}\s*$/s;
const PART = /\$\{\{((?:(?!\}\}).)*)\}\}/gs;

/** Finds the expressions in a YAML value (maps and lists too). A string that is one whole expression keeps its type. */
export function template(value: unknown): Template {
  if (typeof value === 'string') {
    const whole = WHOLE.exec(value);
    if (whole) {
      const node = parse(whole[1]);
      return { axes: axesOf(node), evaluate: (scope) => evaluate(node, scope) };
    }
    if (!value.includes('${{')) return { axes: [], evaluate: () => value };
    const parts = [...value.matchAll(PART)].map((m) => parse(m[1]));
    if (parts.length === 0) fail(`"${value}" opens \${{ and does not close it`);
    return {
      axes: parts.flatMap(axesOf),
      evaluate: (scope) => {
        let i = 0;
        return value.replace(PART, () => String(evaluate(parts[i++], scope)));
      },
    };
  }
  if (value === null || typeof value !== 'object') return { axes: [], evaluate: () => value };
  const entries = Object.entries(value).map(([key, v]) => [key, template(v)] as const);
  const axes = [...new Set(entries.flatMap(([, t]) => t.axes))];
  if (Array.isArray(value)) return { axes, evaluate: (scope) => entries.map(([, t]) => t.evaluate(scope)) };
  return { axes, evaluate: (scope) => Object.fromEntries(entries.map(([key, t]) => [key, t.evaluate(scope)])) };
}
