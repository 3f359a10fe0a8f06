import auxlearn from '../../../plugins/predictors/agl-auxlearn.ts';
import { testPredictor } from './_predictor.ts';

testPredictor(auxlearn);
