import { API_VERSION, definePlugin } from 'panelflow/plugin';

export default definePlugin({
  api: API_VERSION,
  name: 'panelflow-plugin-centroid',
  version: '0.1.0',
  contributions: { evaluator: { centroid: () => import('./centroid.ts') } },
});
