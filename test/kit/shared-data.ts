import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where reference data lies beside the checkout (PANELFLOW_SHARED overrides); tests that need it are skipped, and counted as skipped, without it. */
const root = process.env.PANELFLOW_SHARED ?? fileURLToPath(new URL('../../../shared', import.meta.url));

/** True when the reference data are there. */
export const hasShared = existsSync(root);

/** Path of a reference file. */
export const sharedPath = (name: string): string => `${root}/${name}`;

/** A golden file, parsed. */
export const golden = (name: string): any => JSON.parse(readFileSync(sharedPath(`goldens/${name}`), 'utf8'));

/** With PANELFLOW_THOROUGH=1, what trains is tried on every golden split; else on the first, which takes a third of the time. */
export const THOROUGH = process.env.PANELFLOW_THOROUGH === '1';
export const TRAINED_SPLITS = THOROUGH ? 3 : 1;
