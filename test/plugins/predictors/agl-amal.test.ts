import amal from '../../../plugins/predictors/agl-amal.ts';
import { testPredictor } from './_predictor.ts';

testPredictor(amal);
