import unsupervised from '../../../plugins/selectors/markermap-unsupervised.ts';
import { testVae } from './_vae-family.ts';

testVae(unsupervised, { highestRate: 1e-4, method: 'markermap:unsup' });
