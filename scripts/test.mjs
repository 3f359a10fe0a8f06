// npm test on a fresh clone: sets up what is missing, then lint, format, types, dead code and tests. The last line counts the tests.
import { command, ready } from './ready.mjs';

ready();
const bin = (name) => `node_modules/.bin/${name}`;
command('Lint', bin('oxlint'), ['--type-aware']);
command('Format', bin('oxfmt'), ['--check', '.']);
command('Types', bin('tsc'), ['--noEmit']);
command('Types of the page', bin('tsc'), ['-p', 'ui', '--noEmit']);
command('Dead code', bin('knip'), []);
command('Tests', bin('vitest'), ['run', ...process.argv.slice(2)]);
