import { API_VERSION, definePlugin } from 'panelflow/plugin';

export default definePlugin({
  api: API_VERSION,
  name: 'panelflow-plugin-fano',
  version: '0.1.0',
  contributions: { selector: { fano: () => import('./fano.ts') } },
});
