import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readDataset } from '../../../data/open.ts';
import command from '../../../plugins/commands/run.ts';
import { testContext, tinyAtlas } from '../../kit/tiny-atlas.ts';

const own = mkdtempSync(join(tmpdir(), 'panelflow-test-'));
const before = process.env.TMPDIR;
beforeEach(() => {
  process.env.TMPDIR = own;
});
afterEach(() => {
  process.env.TMPDIR = before;
  if (before === undefined) delete process.env.TMPDIR;
});
afterAll(() => rmSync(own, { recursive: true }));

type Files = Record<string, string>;

async function run(given: object, inputs: object = {}, signal?: AbortSignal): Promise<Files> {
  const { outputs } = await command.run(testContext({ signal }), inputs as Record<string, unknown>, command.params.parse(given));
  const out = outputs.out as { name: string; bytes: Uint8Array }[];
  return Object.fromEntries(out.map(({ name, bytes }) => [name, Buffer.from(bytes).toString()]));
}
const bash = (script: string, given: object = {}, inputs: object = {}, signal?: AbortSignal): Promise<Files> =>
  run({ argv: ['bash', '-c', script], ...given }, inputs, signal);
const files = (entries: Files): object[] => Object.entries(entries).map(([name, text]) => ({ name, bytes: Buffer.from(text) }));
/** True when no folder of a command is left, in the one that the process keeps. */
const isTidy = (): boolean =>
  readdirSync(own)
    .filter((name) => name.startsWith('panelflow-'))
    .every((name) => readdirSync(join(own, name)).length === 0);
async function until(what: () => boolean, limitMs = 5_000): Promise<void> {
  for (let waited = 0; !what(); waited += 20) {
    if (waited > limitMs) throw new Error('waited too long');
    await new Promise((done) => setTimeout(done, 20));
  }
}
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

describe('command/run', () => {
  it('hands arguments over as they are, and gives what the program prints', async () => {
    expect(await run({ argv: ['echo', 'a b', '$HOME;', '*', 3, true] })).toEqual({ 'stdout.txt': 'a b $HOME; * 3 true\n' });
    expect(isTidy()).toBe(true);
  });

  it('gives the files that the program wrote, by name, and leaves no folder behind', async () => {
    const out = await bash('mkdir deep; printf 1,2 > deep/x.csv; printf 3 > y', { outputs: { 'table.csv': 'deep/x.csv', y: 'y' } });
    expect(out).toEqual({ 'stdout.txt': '', 'table.csv': '1,2', y: '3' });
    expect(isTidy()).toBe(true);
  });

  it('starts in an empty folder, with four variables and those that are asked for', async () => {
    process.env.PANELFLOW_TEST_SECRET = 'x';
    const { 'stdout.txt': said } = await run({ argv: ['bash', '-c', 'ls -A; env | cut -d= -f1 | sort'], env: { LEVEL: 3 } });
    delete process.env.PANELFLOW_TEST_SECRET;
    const names = said.trim().split('\n');
    expect(names).toContain('LEVEL');
    for (const name of names) expect(['HOME', 'LANG', 'LEVEL', 'OLDPWD', 'PATH', 'PWD', 'SHLVL', 'TMPDIR', '_']).toContain(name);
  });

  it('places one input, many inputs with their cells, and a dataset', async () => {
    expect(await run({ argv: ['cat', 'in/a.txt'] }, { in: files({ 'a.txt': 'one' }) })).toEqual({ 'stdout.txt': 'one' });
    const all = [
      { value: files({ 'a.txt': 'first' }), cell: { n: 1 } },
      { value: files({ 'a.txt': 'second' }), cell: { n: 2 } },
    ];
    const { 'stdout.txt': said } = await bash('cat in/0/a.txt in/1/a.txt in/cells.json', {}, { all });
    expect(said).toBe('firstsecond[{"n":1},{"n":2}]\n');
    const data = tinyAtlas();
    const { outputs } = await command.run(
      testContext(),
      { data },
      command.params.parse({ argv: ['cp', 'data.h5ad', 'copy'], outputs: { 'copy.h5ad': 'copy' } }),
    );
    const copy = join(own, 'copy.h5ad');
    writeFileSync(copy, (outputs.out as { bytes: Uint8Array }[])[1].bytes);
    expect((await readDataset(copy)).data.obs.index).toEqual(data.obs.index);
  });

  it('reads a text from standard input, and nothing else', async () => {
    expect(await run({ argv: ['cat'], stdin: 'abc' })).toEqual({ 'stdout.txt': 'abc' });
    expect(await run({ argv: ['cat'] })).toEqual({ 'stdout.txt': '' });
    expect(await run({ argv: ['true'], stdin: 'x'.repeat(200_000) })).toEqual({ 'stdout.txt': '' });
  });

  it('streams much output through a file', async () => {
    const out = await run({ argv: ['head', '-c', 20_000_000, '/dev/zero'] });
    expect(out['stdout.txt'].length).toBe(20_000_000);
  });

  it('says what failed: exit code, arguments, and the last that was said', async () => {
    const failed = bash('for i in 1 2 3 4 5 6 7 8 9 10 11; do echo "line $i" >&2; done; exit 3');
    await expect(failed).rejects.toMatchObject({ code: 'DATA', context: { exit: 3, argv: expect.stringContaining('bash -c for') } });
    await expect(failed).rejects.toThrow(/exit code 3: line 4 \|.*\| line 11$/);
    expect(isTidy()).toBe(true);
  });

  it('says what is missing: the program, the right to run it, an output', async () => {
    const plain = join(own, 'plain');
    writeFileSync(plain, '');
    await expect(run({ argv: ['no-such-program-here'] })).rejects.toMatchObject({
      code: 'CONFIG',
      mend: expect.stringContaining('Install'),
    });
    await expect(run({ argv: [plain] })).rejects.toMatchObject({ code: 'CONFIG', mend: expect.stringContaining('executable') });
    const missing = bash('touch right.csv', { outputs: { x: 'wrong.csv' } });
    await expect(missing).rejects.toMatchObject({
      code: 'DATA',
      context: { output: 'x', file: 'wrong.csv' },
      mend: 'There is: right.csv.',
    });
    expect(isTidy()).toBe(true);
  });

  it('counts an end by a signal as a crash, which is tried again', async () => {
    await expect(bash('kill -SEGV $$')).rejects.toMatchObject({ code: 'CRASH', retryable: true });
  });

  it('refuses outputs that lie, or lead, out of its folder, and those that are no files', async () => {
    for (const path of ['/etc/passwd', '../x', 'a/../../x', '', '.'])
      expect(() => command.params.parse({ argv: ['true'], outputs: { x: path } })).toThrow();
    for (const name of ['../x', 'a/b', '.x', '', 'stdout.txt'])
      expect(() => command.params.parse({ argv: ['true'], outputs: { [name]: 'x' } })).toThrow();
    const outputs = { x: 'x' };
    await expect(bash('ln -s /etc/passwd x', { outputs })).rejects.toThrow('leads out');
    await expect(bash('ln -s /etc d; mkdir y; ln -s ../d y/z', { outputs: { x: 'y/z/passwd' } })).rejects.toThrow('leads out');
    await expect(bash('mkdir x', { outputs })).rejects.toThrow('no file');
    await expect(bash('mkfifo x', { outputs })).rejects.toThrow('no file');
    expect(await bash('echo 1 > y; ln -s y x', { outputs })).toMatchObject({ x: '1\n' });
  });

  it('refuses more than it may give, without reading it', async () => {
    const outputs = { x: 'x' };
    await expect(bash('truncate -s 2G x', { outputs })).rejects.toMatchObject({ code: 'DATA', message: expect.stringContaining('1 GB') });
    await expect(bash('truncate -s 2G /dev/stdout; exec sleep 60')).rejects.toThrow('1 GB');
  });

  it('ends all that the program started when it is cancelled, also what does not listen', async () => {
    const cancel = new AbortController();
    const note = join(own, 'pids');
    const running = bash(`trap '' TERM; sleep 60 & echo $! $$ > ${note}; wait; sleep 60`, {}, {}, cancel.signal);
    running.catch(() => {});
    await until(() => existsSync(note) && readFileSync(note, 'utf8').includes('\n'));
    const pids = readFileSync(note, 'utf8').trim().split(' ').map(Number);
    const start = Date.now();
    cancel.abort(new Error('cancelled'));
    await expect(running).rejects.toThrow('cancelled');
    expect(Date.now() - start).toBeLessThan(10_000);
    await until(() => pids.every((pid) => !isAlive(pid)));
    expect(isTidy()).toBe(true);
  });

  it('keeps what a program left running, out of its reach, away from what others print', async () => {
    const { 'stdout.txt': pid } = await bash(
      'setsid bash -c "echo \\$\\$; for i in 1 2 3 4 5 6; do sleep 0.05; echo late; done" & sleep 0.1',
    );
    expect(await bash('sleep 0.3; echo mine')).toEqual({ 'stdout.txt': 'mine\n' });
    await until(() => !isAlive(Number(pid.split('\n')[0])));
  });

  it('leaves nothing running when the program has ended', async () => {
    const { 'stdout.txt': pid } = await bash('sleep 60 & echo $!');
    await until(() => !isAlive(Number(pid)));
  });
});
