/** Conformance checks for plugins of others: call them in your own vitest tests. */
export { testEvaluator } from './evaluator.ts';
export { testReader } from './reader.ts';
export { testReporter } from './reporter.ts';
export { testSelector } from './selector.ts';
export { testSplitter } from './splitter.ts';
export { testStore } from './store.ts';
export { testTransform } from './transform.ts';
