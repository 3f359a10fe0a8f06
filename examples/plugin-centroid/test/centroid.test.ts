import { testEvaluator } from 'panelflow/testing';
import evaluator from '../src/centroid.ts';

testEvaluator(evaluator, { metric: 'accuracy' });
