import { readFile, readdir } from 'node:fs/promises';
import { join, normalize, sep } from 'node:path';
import { parseSync } from 'oxc-parser';
import { describe, expect, it } from 'vitest';

/**
 * Who may import whom. `type:` allows `import type` alone, `lazy:` allows `await import()` and `import type`.
 * Each folder lists folders, third-party packages and Node's own modules; whatever is not listed is forbidden.
 */
const MAY_IMPORT: Record<string, string[]> = {
  schemas: ['zod'],
  core: ['type:zod', 'type:schemas'],
  data: ['node:*', 'core', 'h5wasm', 'sharp', 'type:schemas', 'type:plugins', 'stats/random.ts'],
  stats: ['core', 'type:data', 'data/matrix.ts'],
  tensor: ['node:*', 'core', 'stats', 'data/matrix.ts', 'type:data', 'type:@tensorflow/*'],
  plugins: [
    'zod',
    'node:*',
    'type:schemas',
    'core',
    'data/matrix.ts',
    'data/dataset.ts',
    'stats',
    'lazy:data',
    'lazy:tensor',
    'lazy:vega',
    'lazy:vega-lite',
    'lazy:hyparquet-writer',
    'lazy:ml-random-forest',
    'lazy:highs',
    'lazy:@aws-sdk/client-s3',
    'lazy:@aws-sdk/client-sqs',
  ],
  activities: ['node:*', 'type:schemas', 'core', '@temporalio/activity', '@temporalio/common'],
  workflows: ['type:core', 'type:schemas', 'type:activities', '@temporalio/workflow'],
  workers: [
    'node:*',
    'type:schemas',
    'core',
    'plugins',
    'data/memory.ts',
    'data/portable.ts',
    'tensor/backend.ts',
    'lazy:tensor/native.ts',
    'activities',
    'lazy:runs',
    'lazy:notify',
    '@temporalio/common',
    '@temporalio/proto',
    '@temporalio/worker',
    'lazy:@opentelemetry/api',
    'lazy:@opentelemetry/exporter-trace-otlp-http',
    'lazy:@opentelemetry/resources',
    'lazy:@opentelemetry/sdk-trace',
  ],
  runs: [
    'node:*',
    'yaml',
    'type:zod',
    'schemas',
    'core',
    'data/portable.ts',
    'data/text.ts',
    'data/catalogue.ts',
    'activities/cache.ts',
    'type:activities',
    'workers/compose.ts',
    'workers/machine.ts',
    'lazy:data/catalogue.ts',
    'lazy:plugins/stores',
  ],
  notify: ['node:*', 'zod', 'schemas', 'core', 'runs/source-file.ts', 'workers/machine.ts', 'lazy:nodemailer'],
  ui: [],
  cli: [
    'runs',
    'ui/shapes.ts',
    'notify',
    'node:*',
    'yaml',
    'zod',
    'commander',
    'log-update',
    'schemas',
    'core',
    'data/portable.ts',
    'data/text.ts',
    'type:data',
    'type:plugins',
    'data/catalogue.ts',
    'activities/cache.ts',
    'activities/hear.ts',
    'activities/ledger.ts',
    'type:activities',
    'lazy:plugins/triggers',
    'workers/compose.ts',
    'workers/machine.ts',
    'workers/payload-cipher.ts',
    'lazy:workers',
    'lazy:tensor',
    'lazy:plugins/predict.ts',
    'lazy:plugins/stores',
    'lazy:data/h5ad-write.ts',
    '@temporalio/client',
    '@temporalio/proto',
  ],
};

type Mode = 'value' | 'type' | 'lazy';

/** Every import of a file, with how it is imported. */
function importsOf(file: string, code: string): { target: string; mode: Mode }[] {
  const { module } = parseSync(file, code);
  const found: { target: string; mode: Mode }[] = [];
  for (const i of module.staticImports) {
    found.push({ target: i.moduleRequest.value, mode: i.entries.length > 0 && i.entries.every((e) => e.isType) ? 'type' : 'value' });
  }
  for (const e of module.staticExports) {
    for (const x of e.entries) if (x.moduleRequest) found.push({ target: x.moduleRequest.value, mode: x.isType ? 'type' : 'value' });
  }
  for (const d of module.dynamicImports) {
    const text = code.slice(d.moduleRequest.start, d.moduleRequest.end);
    if (/^['"]/.test(text)) found.push({ target: text.slice(1, -1), mode: 'lazy' });
  }
  return found;
}

function allows(rules: readonly string[], target: string, mode: Mode): boolean {
  return rules.some((rule) => {
    const [, only, name] = /^(?:(type|lazy):)?(.+)$/.exec(rule)!;
    const named = name.endsWith('*') ? target.startsWith(name.slice(0, -1)) : target === name || target.startsWith(`${name}/`);
    return named && (only === undefined || mode === 'type' || mode === only);
  });
}

/** What a file imports against the rules of its folder. */
function violations(folder: string, file: string, code: string): string[] {
  return importsOf(file, code).flatMap(({ target, mode }) => {
    const where = target.startsWith('.')
      ? normalize(join(file, '..', target))
          .split(sep)
          .join('/')
      : target;
    return where.startsWith(`${folder}/`) || allows(MAY_IMPORT[folder], where, mode) ? [] : [`${file} must not import ${where} (${mode})`];
  });
}

async function sources(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.ts')).map((name) => join(folder, name));
}

describe('each folder imports only what its layer allows', () => {
  for (const folder of Object.keys(MAY_IMPORT)) {
    it(folder, async () => {
      const wrong: string[] = [];
      for (const file of await sources(folder)) wrong.push(...violations(folder, file, await readFile(file, 'utf8')));
      expect(wrong).toEqual([]);
    });
  }

  it('catches planted violations', () => {
    const planted: [string, string][] = [
      ['core', `import { readFile } from 'node:fs/promises';`],
      ['core', `import builtin from '../plugins/index.ts';`],
      ['plugins', `import '../tensor/backend.ts';`],
      ['plugins', `import { heartbeat } from '@temporalio/activity';`],
      ['workflows', `import { runStep } from '../activities/run-step.ts';`],
      ['workflows', `import { Plan } from '../schemas/plan.ts';`],
      ['workflows', `import { join } from 'node:path';`],
      ['cli', `import { startWorker } from '../workers/worker.ts';`],
    ];
    for (const [folder, code] of planted) expect(violations(folder, `${folder}/planted.ts`, code), code).toHaveLength(1);
  });
});

describe('files stay small', () => {
  it('holds at most 320 lines', async () => {
    const long: string[] = [];
    for (const folder of Object.keys(MAY_IMPORT)) {
      for (const file of await sources(folder)) {
        const lines = (await readFile(file, 'utf8')).split('\n').length;
        if (lines > 320) long.push(`${file}: ${lines}`);
      }
    }
    expect(long).toEqual([]);
  });
});

describe('only the doors read the environment', () => {
  it('process.env stands in cli/settings.ts, cli/print.ts and where processes are started', async () => {
    const doors = [
      'cli/settings.ts',
      'cli/print.ts',
      'cli/commands/run.ts',
      'cli/embedded/binary.ts',
      'cli/embedded/versitygw.ts',
      'plugins/commands/_program.ts',
      'plugins/stores/_connection.ts',
      'plugins/triggers/sqs.ts',
      'workers/machine.ts',
      'workers/pool.ts',
      'tensor/backend.ts',
      'tensor/native.ts',
    ];
    const wrong: string[] = [];
    for (const folder of Object.keys(MAY_IMPORT)) {
      for (const file of await sources(folder))
        if (/process\.env/.test(await readFile(file, 'utf8')) && !doors.includes(file)) wrong.push(file);
    }
    expect(wrong).toEqual([]);
  });
});
