import { execFileSync } from 'node:child_process';
import { truncateSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { evaluate, parse, type Scope } from '../../core/expression.ts';
import { load, setParam } from '../../runs/load.ts';
import { prepare } from '../../runs/prepare.ts';
import { refused, scratch } from './_hostile.ts';

const { at, write } = scratch();
let count = 0;
const file = (text: string): string => write(`${count++}.yaml`, text);
const loaded = (text: string) => (): unknown => load(file(text));
const planned = (text: string) => (): unknown => prepare(file(text), {});
const params = (text: string): string => `pipeline: benchmark\nparams: ${text}\n`;
const pipeline = (text: string): string => `name: p\n${text}\nsteps:\n  base: { uses: reader/simulated, with: {} }\n`;

/** Each anchor holds nine times the one before. */
const laughs = [
  'a0: &a0 [x]',
  ...Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(',')}]`),
].join('\n');

describe('a YAML file is refused', () => {
  refused([
    { name: 'billion laughs by anchors', try: loaded(laughs), code: 'CONFIG', says: /stands for too much/ },
    { name: 'lists 100,000 deep', try: loaded(params('['.repeat(100_000))), code: 'CONFIG', says: /more than 60 deep/ },
    {
      name: 'maps 2,000 deep',
      try: loaded(params(`${'{a: '.repeat(2_000)}1${'}'.repeat(2_000)}`)),
      code: 'CONFIG',
      says: /more than 60 deep/,
    },
    {
      name: 'block maps 300 deep',
      try: loaded(Array.from({ length: 300 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')),
      code: 'CONFIG',
      says: /more than 60 deep/,
    },
    { name: 'an anchor that holds itself', try: loaded(params('&a [*a]')), code: 'CONFIG', says: /deep|stands for too much|no anchor/ },
    {
      name: 'a file of 50 MB',
      try: () => (truncateSync(file(''), 50_000_000), load(at(`${count - 1}.yaml`))),
      code: 'CONFIG',
      says: /larger than 4 MB/,
    },
    {
      name: 'a pipe that nobody writes to',
      try: () => (execFileSync('mkfifo', [at('pipe.yaml')]), load(at('pipe.yaml'))),
      code: 'CONFIG',
      says: /no plain file/,
    },
    { name: 'a device without an end', try: () => load('/dev/zero'), code: 'CONFIG', says: /no plain file/ },
    { name: 'NUL bytes', try: loaded('pipeline: bench\0mark\n'), code: 'CONFIG', says: /no pipeline "bench/ },
    { name: 'a key twice', try: loaded('pipeline: benchmark\npipeline: tables\n'), code: 'CONFIG', says: /unique/ },
    { name: 'a merge key', try: loaded('base: &b { pipeline: benchmark }\n<<: *b\n'), code: 'CONFIG', says: /<<|Unknown key/ },
    { name: '__proto__ as a key', try: loaded('pipeline: benchmark\n__proto__: { plugins: [x] }\n'), code: 'CONFIG', says: /__proto__/ },
    { name: '__proto__ as a param', try: planned(params('{ __proto__: { data: x } }')), code: 'CONFIG', says: /__proto__/ },
    {
      name: 'constructor as a param',
      try: planned(params('{ constructor: { prototype: { data: x } } }')),
      code: 'CONFIG',
      says: /constructor/,
    },
    {
      name: 'a tag that other readers run as code',
      try: loaded('!!js/function "function () { process.exit(9) }"\n'),
      code: 'CONFIG',
      says: /no map/,
    },
    {
      name: 'a file that is no text',
      try: () => load(write('bytes.yaml', Buffer.from([0xff, 0xfe, 0, 1, 2, 3]))),
      code: 'CONFIG',
      says: /./,
    },
    {
      name: 'a pipeline outside of the folders, that is none',
      try: loaded('pipeline: ../../../../../../etc/passwd\n'),
      code: 'CONFIG',
      says: /passwd/,
    },
    { name: '--set with lists 10,000 deep', try: () => setParam({}, `k=${'['.repeat(10_000)}`), code: 'CONFIG', says: /not YAML/ },
  ]);

  it('a byte order mark is no key', async () => {
    await expect(load(file('\uFEFFpipeline: benchmark\n'))).resolves.toMatchObject({ definition: { name: 'benchmark' } });
  });

  it('--set with __proto__ changes no other map', () => {
    expect(Object.keys(setParam({}, '__proto__.polluted=1'))).toEqual(['__proto__']);
    expect(setParam({}, 'constructor.prototype.polluted=1')).toEqual({ constructor: { prototype: { polluted: 1 } } });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

const scope: Scope = {
  names: { params: { data: 'x' }, axis: {}, run: { name: 'r' } },
  has: () => false,
  about: () => ({ summary: '', cites: [] }),
};
const evaluated = (text: string) => (): unknown => evaluate(parse(text), scope);

describe('an expression is refused', () => {
  refused([
    { name: 'parentheses 100,000 deep', try: evaluated('('.repeat(100_000)), code: 'CONFIG', says: /longer than/ },
    { name: 'as deep as it may be long', try: evaluated('('.repeat(999)), code: 'CONFIG', says: /not expected there/ },
    { name: 'a million characters of nothing', try: evaluated('1+'.repeat(500_000)), code: 'CONFIG', says: /longer than/ },
    { name: 'a range of a billion', try: evaluated('range(0, 1000000000)'), code: 'CONFIG', says: /at most/ },
    { name: 'a range of fractions', try: evaluated('range(0.5, 1e999)'), code: 'CONFIG', says: /whole numbers/ },
    { name: 'the constructor of a literal', try: evaluated('constructor'), code: 'CONFIG', says: /no constructor/ },
    { name: 'a way to code', try: evaluated('params.constructor.constructor'), code: 'CONFIG', says: /There is no params.constructor/ },
    { name: 'the prototype', try: evaluated('__proto__'), code: 'CONFIG', says: /There is no __proto__/ },
    { name: 'a method of text', try: evaluated('params.data.length.x'), code: 'CONFIG', says: /a string/ },
    { name: 'a function of Object', try: evaluated('toString(1)'), code: 'CONFIG', says: /no function/ },
    { name: 'code', try: evaluated('process.exit(1)'), code: 'CONFIG', says: /no function|not/ },
    { name: 'a backtick', try: evaluated('`${x}`'), code: 'CONFIG', says: /not understood/ },
  ]);

  it('the largest list that it can make is taken', () => {
    expect(evaluated('max(concat(range(0, 100000), range(0, 100000)))')()).toBe(99_999);
    expect(evaluated(`1${'+1'.repeat(499)}`)()).toBe(500);
  });
});

describe('a sweep is refused', () => {
  const axes = (...texts: string[]): string => pipeline(`axes: { ${texts.map((text, i) => `a${i}: ${text}`).join(', ')} }`);
  refused([
    {
      name: 'of ten thousand million cells',
      try: planned(axes("'${{ range(0, 100000) }}'", "'${{ range(0, 100000) }}'")),
      code: 'CONFIG',
      says: /more than 200,000 cells/,
    },
  ]);
});

describe('a name is refused', () => {
  const named = (name: string) => (): unknown => load(file(params('{}')), { name });
  refused(
    [
      ['that leads elsewhere', '../../evil'],
      ['that is a path', '/etc/cron.d/x'],
      ['with a NUL', 'a\0b'],
      ['with a new line', 'a\nb'],
      ['that is HTML', '<script>alert(1)</script>'],
      ['of 10,000 letters', 'a'.repeat(10_000)],
      ['with a backslash', 'a\\..\\b'],
      ['that turns text around', 'a\u202Egnp.exe'],
      ['that is an option', '--help'],
      ['that is empty', ''],
    ].map(([what, name]) => ({ name: what, try: named(name), code: 'CONFIG' as const, says: /no name for a run/ })),
  );
  refused([
    {
      name: 'of a pipeline',
      try: loaded('name: ../x\nsteps: { a: { uses: reader/simulated } }\n'),
      code: 'CONFIG',
      says: /a name is letters/,
    },
    {
      name: 'of a step',
      try: loaded('name: p\nsteps: { "../a": { uses: reader/simulated } }\n'),
      code: 'CONFIG',
      says: /a name is letters/,
    },
    { name: 'of an axis', try: loaded(pipeline('axes: { "<b>": [1] }')), code: 'CONFIG', says: /a name is letters/ },
  ]);
});
