// npm start on a fresh clone: install, build, set up, run the quick-start benchmark, say where the report is.
import { command, ready } from './ready.mjs';

ready();
command('Running the quick-start benchmark on a simulated atlas', process.execPath, [
  'dist/cli/main.js',
  'run',
  'examples/quickstart.yaml',
]);
console.log(`
Next: panelflow is at node_modules/.bin/panelflow (or: npx panelflow).
  npx panelflow init my.yaml --data my-data.h5ad --tasks cell_type
  npx panelflow run my.yaml
The embedded server stays up for later commands; npx panelflow server stop ends it.`);
