import uncertainty from '../../../plugins/predictors/agl-uncertainty.ts';
import { testPredictor } from './_predictor.ts';

testPredictor(uncertainty);
