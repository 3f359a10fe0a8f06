import concrete from '../../../plugins/selectors/concrete-vae.ts';
import { testVae } from './_vae-family.ts';

testVae(concrete, { highestRate: 1e-4, method: 'markermap:concrete' });
