import { breather, firstGenes, learningCells } from '../_cells.ts';
import { DataError, defineEvaluator, denseBlock, labels, type Network, z } from '../contract.ts';

/** How well the selector's own network rebuilds all genes from the panel. */
export default defineEvaluator({
  id: 'generative',
  version: 2,
  summary: "The selector's own network rebuilds all genes of the test cells from the panel: errors on z-scores, agreement of the variances",
  cites: ['arXiv:2207.14106'],
  traits: ['needs-model'],
  params: z.strictObject({
    k: z.int().positive(),
    by: z
      .string()
      .nullable()
      .default(null)
      .describe('obs column: the agreement of the variances within each class too, as means over them'),
  }),
  run: async (context, { data, split, panel, model }, { k, by }) => {
    firstGenes(panel, k);
    const head = genesHead(model);
    const network: Network = { ...model!, heads: [head] };
    requireTrainedFor(panel.genes.length, k);
    const [{ loadBackend }, { runNetwork }, { geneScale }, { rebuild }] = await Promise.all([
      import('../../tensor/backend.ts'),
      import('../../tensor/network.ts'),
      import('../../tensor/batches.ts'),
      import('../../stats/rebuilt.ts'),
    ]);
    const place = new Map(data.var.index.map((name, j) => [name, j]));
    const columns = (names: readonly string[]): Uint32Array => Uint32Array.from(names, (name) => place.get(name) ?? missing(name));
    const [read, told] = [columns(network.genes), columns(head.genes)];
    const isScaled = data.scale === 'scaled';
    const ofAll = isScaled ? undefined : geneScale(data.X, learningCells(split));
    const scale = {
      mean: Float64Array.from(told, (j) => ofAll?.mean[j] ?? 0),
      sd: Float64Array.from(told, (j) => ofAll?.sd[j] ?? 1),
      clip: isScaled ? Infinity : 10,
    };
    const classes = by === null ? undefined : labels(data.obs, by);
    const groups = classes && {
      codes: Int32Array.from(split.test, (i) => classes.codes[i]),
      count: classes.classes.length,
    };
    const backend = await loadBackend((line) => context.log(line));
    const breathe = breather(context);
    const cells = async function* (): AsyncGenerator<{ truth: Float32Array; rebuilt: Float32Array }> {
      for (let at = 0; at < split.test.length; at += 256) {
        const rows = split.test.subarray(at, at + 256);
        const [rebuilt] = runNetwork(backend, network, denseBlock(data.X, rows, read).data);
        yield { truth: denseBlock(data.X, rows, told).data, rebuilt };
        context.progress(at / split.test.length);
        await breathe();
      }
    };
    const { values, pcc } = await rebuild(cells(), { genes: told.length, scale, ...(groups ? { groups } : {}) });
    const inPanel = new Set(panel.genes.subarray(0, k));
    const others = pcc.map((value, at) => (inPanel.has(told[at]) ? Number.NaN : value));
    return { metrics: { values, genes: { columns: told, values: { pcc: others } } } };
  },
});

function genesHead(model: Network | undefined): Extract<Network['heads'][number], { kind: 'genes' }> {
  const head = model?.heads.find((h) => h.kind === 'genes');
  if (head) return head;
  throw new DataError('The selector of this panel has no network that rebuilds genes', {
    context: { method: model?.method ?? 'none' },
    mend: 'Use the evaluator generative with markermap-unsupervised, markermap-joint, concrete-vae or global-gumbel-vae.',
  });
}

function requireTrainedFor(trained: number, k: number): void {
  if (trained === k) return;
  throw new DataError(`The selector's network was trained for k = ${trained}, and k = ${k} is asked for`, {
    context: { trained, k },
    mend: 'Train the selector for each k.',
  });
}

function missing(name: string): never {
  throw new DataError(`The network knows the gene "${name}", which the dataset lacks`, { context: { gene: name } });
}
