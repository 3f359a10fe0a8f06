export { progressQuery, runPipeline, runShard } from './run-pipeline.ts';
