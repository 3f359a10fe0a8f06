export { launchRun } from './launch-run.ts';
export { runPipeline } from './run-pipeline.ts';
export { runSlice } from './run-slice.ts';
