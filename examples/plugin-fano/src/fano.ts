import { DataError, defineSelector, z } from 'panelflow/plugin';

export default defineSelector({
  id: 'fano',
  version: 1,
  summary: 'Variance over mean of the learning cells',
  cites: ['10.1103/PhysRev.72.26'],
  params: z.strictObject({ min_mean: z.number().min(0).default(0.01).describe('genes below it come last') }),
  run: async (context, { data, split }, { min_mean }) => {
    const { X } = data;
    const [sum, square] = [new Float64Array(X.cols), new Float64Array(X.cols)];
    const rows = [...split.train, ...split.validation];
    for (const [done, i] of rows.entries()) {
      if (done % 4096 === 0) await context.breathe();
      const [from, to] = X.kind === 'csr' ? [X.indptr[i], X.indptr[i + 1]] : [i * X.cols, (i + 1) * X.cols];
      for (let p = from; p < to; p++) {
        const gene = X.kind === 'csr' ? X.indices[p] : p - from;
        sum[gene] += X.data[p];
        square[gene] += X.data[p] ** 2;
      }
    }
    const bad = sum.findIndex((s) => !Number.isFinite(s));
    if (bad >= 0) throw new DataError('X holds a value that is not finite', { context: { gene: data.var.index[bad] } });
    const mean = sum.map((s) => s / rows.length);
    const scores = mean.map((m, j) => (m > min_mean ? (square[j] / rows.length - m * m) / m : 0));
    const genes = Uint32Array.from(scores, (_, j) => j).sort((a, b) => scores[b] - scores[a] || a - b);
    const names = Array.from(genes, (j) => data.var.index[j]);
    return { panel: { genes, names, scores: Float64Array.from(genes, (j) => scores[j]), task: null } };
  },
});
