export { launchRun } from './launch-run.ts';
export { runDrop } from './run-drop.ts';
export { runPipeline } from './run-pipeline.ts';
export { runSlice } from './run-slice.ts';
export { watchDrops } from './watch-drops.ts';
