import { API_VERSION, definePlugin, z } from '../plugins/contract.ts';

const params = z.strictObject({ n: z.number() });

/** A step that takes no time: what remains is the engine. */
const echo = {
  kind: 'bench',
  id: 'echo',
  version: 1,
  summary: 'Gives a number as a text',
  params,
  inputs: {},
  outputs: { out: 'text' },
  queue: 'cpu',
  seeded: false,
  run: async (_context: unknown, _inputs: unknown, { n }: z.infer<typeof params>) => ({ outputs: { out: `${n}\n` } }),
} as const;

export default definePlugin({
  api: API_VERSION,
  name: 'bench',
  version: '1.0.0',
  contributions: { bench: { echo: async () => ({ default: echo }) } },
});
