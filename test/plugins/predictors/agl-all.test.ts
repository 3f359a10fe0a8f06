import all from '../../../plugins/predictors/agl-all.ts';
import { testPredictor } from './_predictor.ts';

testPredictor(all);
