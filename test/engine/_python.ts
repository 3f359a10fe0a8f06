import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import type { Project } from './_engine.ts';

const NAMED = process.env.PANELFLOW_TEST_PYTHON ?? 'python3';

/** True where there is a Python with the packages of examples/python/requirements.txt: the one that PANELFLOW_TEST_PYTHON names, or python3. */
export const hasScikit = spawnSync(NAMED, ['-c', 'import anndata, sklearn']).status === 0;
export const WHY_NOT = `${NAMED} lacks anndata or scikit-learn (PANELFLOW_TEST_PYTHON names another)`;

/** Variables with which programs named python3 are that Python. */
export function withPython(project: Project): Record<string, string> {
  if (NAMED === 'python3') return {};
  mkdirSync(project.path('bin'), { recursive: true });
  chmodSync(project.write('bin/python3', `#!/bin/sh\nexec '${NAMED}' "$@"\n`), 0o755);
  return { PATH: `${project.path('bin')}:${process.env.PATH}` };
}
